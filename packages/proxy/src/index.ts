export { openProxyControl, type ProxyControl } from "./control/control-client.ts";
export type { ControlRefusal, DrainOrder, ProxyStatus } from "./control/control-messages.ts";
export type { ProxyState } from "./control/proxy-state.ts";
export type { BindingCounts, ProxyCounts } from "./counting/proxy-counters.ts";
export type { TrafficCounts } from "./counting/traffic-counters.ts";
export {
  type ProxyHeader,
  type ProxyHeaderReading,
  readProxyHeader,
  writeProxyHeader,
} from "./serving/proxy-protocol.ts";
export { parseProxyProcess } from "./settings/parse-proxy-process.ts";
export {
  type FrontProcess,
  type FrontSite,
  type InheritedSocket,
  type ProxyProcess,
  proxyProcessSchema,
  type SiteProxyProcess,
  slotTableSchema,
} from "./settings/process-settings.ts";
export { type RunningProxy, startProxy } from "./start-proxy.ts";
