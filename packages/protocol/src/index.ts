export { fromWireEvidenceRow, toWireEvidenceRow } from "./evidence-row-codec.ts";
export { decodeIntent, encodeIntent } from "./intent-codec.ts";
export { includesRole, type MethodRole, methodRoles, overriderRole, type Role, roles } from "./method-roles.ts";
export { asUnit, fromWireObservation, toWireObservation } from "./observation-codec.ts";
export { fromWireProbeResult, toWireOutcome, toWireProbeResult } from "./probe-result-codec.ts";
export { protocolVersion } from "./protocol-version.ts";
export { fromServiceError, toServiceError } from "./service-error.ts";
export { cutZeros, fromWireTraffic, toWireBlock, toWireTraffic } from "./traffic-codec.ts";
