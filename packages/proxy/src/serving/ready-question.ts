import { readyPath } from "@sluice/core/proxying/proxy-settings";
import type { ProxyRequest } from "../forwarding/proxy-request.ts";

/** An edge asks whether it may send requests here: nobody's request, on whatever hop. */
export const isReadyQuestion = ({ head: { method, target } }: ProxyRequest): boolean =>
  target === readyPath && (method === "GET" || method === "HEAD");
