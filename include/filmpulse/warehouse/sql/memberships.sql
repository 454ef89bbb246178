-- Which roles a role is a member of, and who granted each membership.
SELECT g.rolname, by.rolname
FROM pg_auth_members m
JOIN pg_roles g ON g.oid = m.roleid
JOIN pg_roles r ON r.oid = m.member
JOIN pg_roles by ON by.oid = m.grantor
WHERE r.rolname = %(member)s;
