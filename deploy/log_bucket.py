"""Make the bucket of Airflow's task logs, whose old logs the store removes; repeatable.

The account that writes the logs may not make buckets. The environment has the address
(`S3_ENDPOINT_URL`), the bucket (`S3_LOGS_BUCKET`), for how many days a log is kept
(`S3_LOGS_DAYS`), and the keys of an account that may do all (`AWS_ACCESS_KEY_ID`,
`AWS_SECRET_ACCESS_KEY`).
"""

import os

import boto3

bucket = os.environ["S3_LOGS_BUCKET"]
s3 = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT_URL"], region_name="us-east-1")
if bucket not in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
    s3.create_bucket(Bucket=bucket)
old = {
    "ID": "old",
    "Status": "Enabled",
    "Filter": {"Prefix": "tasks/"},
    "Expiration": {"Days": int(os.environ["S3_LOGS_DAYS"])},
}
s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [old]})
