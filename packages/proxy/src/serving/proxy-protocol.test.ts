import fc from "fast-check";
import { expect, test } from "vitest";
import { readProxyHeader, writeProxyHeader } from "./proxy-protocol.ts";

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ""), "hex");
const signature = "0d0a0d0a 000d0a51 5549540a";
const header = (source: string, destination: string, tls = false) => ({
  source: { address: source, port: 56324 },
  destination: { address: destination, port: 443 },
  tls,
});

test("an IPv4 header is the bytes of the specification", () => {
  const bytes = hex(`${signature} 21 11 000c c0000207 c6336401 dc04 01bb`);
  expect(writeProxyHeader(header("192.0.2.7", "198.51.100.1"))).toEqual(bytes);
  expect(readProxyHeader(Buffer.concat([bytes, Buffer.from("GET /")]))).toEqual({
    kind: "header",
    length: 28,
    header: header("192.0.2.7", "198.51.100.1"),
  });
});

test("an IPv6 header with TLS is the bytes of the specification", () => {
  const bytes = hex(
    `${signature} 21 21 002c 20010db8000000000000000000000001 00000000000000000000000000000001 dc04 01bb 20 0005 01 00000000`,
  );
  expect(writeProxyHeader(header("2001:db8::1", "::1", true))).toEqual(bytes);
  expect(readProxyHeader(bytes)).toEqual({ kind: "header", length: 60, header: header("2001:db8::1", "::1", true) });
});

test("TLVs of others are skipped, and TLS is only what PP2_TYPE_SSL says", () => {
  const read = (tlv: string): boolean => {
    const reading = readProxyHeader(
      hex(
        `${signature} 21 11 ${(12 + hex(tlv).length).toString(16).padStart(4, "0")} c0000207 c6336401 dc04 01bb ${tlv}`,
      ),
    );
    if (reading.kind !== "header") throw new Error(reading.kind);
    return reading.header.tls;
  };
  expect(read("01 0002 6832 20 0008 01 00000000 210000")).toBe(true);
  expect(read("20 0005 00 00000000")).toBe(false);
  expect(read("04 0000")).toBe(false);
});

test.each([
  ["version 1", Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n")],
  ["a request", Buffer.from("GET / HTTP/1.1\r\n")],
  ["one wrong byte", hex("0d0a0d0b")],
  ["LOCAL", hex(`${signature} 20 00 0000`)],
  ["version 3", hex(`${signature} 31 11 000c c0000207 c6336401 dc04 01bb`)],
  ["UDP", hex(`${signature} 21 12 000c c0000207 c6336401 dc04 01bb`)],
  ["a unix address", hex(`${signature} 21 31 00d8`)],
  ["too short for its family", hex(`${signature} 21 11 000b c0000207 c6336401 dc04 01`)],
  ["a TLV longer than the header", hex(`${signature} 21 11 0010 c0000207 c6336401 dc04 01bb 20 0005 01`)],
])("%s is invalid", (_, bytes) => {
  expect(readProxyHeader(bytes).kind).toBe("invalid");
});

test("every beginning of a header is incomplete", () => {
  const bytes = writeProxyHeader(header("192.0.2.7", "198.51.100.1", true));
  for (let length = 0; length < bytes.length; length++)
    expect(readProxyHeader(bytes.subarray(0, length)).kind).toBe("incomplete");
});

test("what is written is read back", () => {
  const end = fc.record({
    address: fc.oneof(fc.ipV4(), fc.constantFrom("::1", "2001:db8::1", "fe80::1:0:0:2")),
    port: fc.nat(65_535),
  });
  fc.assert(
    fc.property(end, end, fc.boolean(), (source, destination, tls) => {
      const reading = readProxyHeader(writeProxyHeader({ source, destination, tls }));
      expect(reading).toMatchObject({ kind: "header", header: { source, destination, tls } });
    }),
  );
});

test("no bytes make the reader throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, signed) => {
      const data = signed ? Buffer.concat([hex(signature), bytes]) : Buffer.from(bytes);
      expect(["incomplete", "invalid", "header"]).toContain(readProxyHeader(data).kind);
    }),
  );
});
