-- POST with a body of BENCH_BODY_BYTES bytes.
wrk.method = "POST"
wrk.body = string.rep("x", tonumber(os.getenv("BENCH_BODY_BYTES")))
wrk.headers["Content-Type"] = "application/octet-stream"
