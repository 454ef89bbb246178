"""How a site says "not now", whichever site it is."""

# Status -> reason. 202 and 405 are how AWS WAF challenges (AWS WAF developer guide, "How CAPTCHA
# and Challenge actions work").
REFUSALS = {202: "challenge", 403: "forbidden", 405: "captcha", 429: "rate_limited"}
