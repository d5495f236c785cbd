import {
  defaultProxyLimits,
  type ProxyBinding,
  type ProxyLimits,
  type SlotTable,
} from "@sluice/core/proxying/proxy-settings";
import { CertificateStore } from "../certificates/certificate-store.ts";
import { ProxyCounters } from "../counting/proxy-counters.ts";
import { Forwarder } from "../forwarding/forwarder.ts";
import { Acceptor } from "../serving/acceptor.ts";
import { ClientServer } from "../serving/client-server.ts";
import { SiteHandler } from "../serving/site-handler.ts";
import { SlotRouter } from "../slots/slot-router.ts";

interface TestSiteOptions {
  /** Port of the live blue slot; absent: every request is held. */
  readonly blue?: number;
  readonly slots?: SlotTable;
  readonly limits?: Partial<ProxyLimits>;
  readonly bindings?: readonly ProxyBinding[];
  readonly forward?: { readonly host: "preserve" | "internal"; readonly internalName: string };
  readonly tls?: boolean;
}

export interface TestSite extends AsyncDisposable {
  readonly port: number;
  readonly router: SlotRouter;
  readonly counters: ProxyCounters;
  readonly forwarder: Forwarder;
  readonly clients: ClientServer;
  readonly certificates: CertificateStore | undefined;
}

export const probeToken = "let-me-through";

/** The data path of a site proxy inside of the test, listening on a port of its own as binding port 80. */
export async function startTestSite(options: TestSiteOptions): Promise<TestSite> {
  const limits = { ...defaultProxyLimits, ...options.limits } as ProxyLimits;
  const bindings = options.bindings ?? [{ name: "app.test", kind: "public", bindingPort: 80 }];
  const router = new SlotRouter(options.slots ?? slotsOf(options.blue));
  const counters = new ProxyCounters(bindings, 0);
  const forwarder = new Forwarder(limits);
  const forward = options.forward ?? { host: "preserve", internalName: "app.internal" };
  const settings = {
    site: "shop",
    engine: "node",
    listeners: [],
    behindFront: false,
    bindings,
    forward,
    limits,
  } as const;
  const process = {
    kind: "site-proxy",
    host: "web-1",
    settingsDigest: "sha256:s",
    settings,
    sockets: [],
    probeToken,
  } as const;
  const clients = new ClientServer(limits, new SiteHandler(process, router, counters, forwarder));
  const certificates = options.tls ? openCertificates(bindings) : undefined;
  const accepting = { kind: "direct", bindingPort: 80, tls: options.tls ?? false } as const;
  const acceptor = new Acceptor({ accepting, clients, certificates, greetingTimeoutMs: limits.headersTimeoutMs });
  const port = await acceptor.listenAtPort("127.0.0.1", 0);
  return {
    port,
    router,
    counters,
    forwarder,
    clients,
    certificates,
    async [Symbol.asyncDispose]() {
      acceptor.stop();
      clients.close();
      router.close();
    },
  };
}

export function slotsOf(blue: number | undefined): SlotTable {
  if (blue === undefined) return { live: "hold" };
  return { live: "blue", blue: { host: "127.0.0.1", port: blue, release: "sha256:blue" } };
}

function openCertificates(bindings: readonly ProxyBinding[]): CertificateStore {
  const names = bindings.flatMap(({ name, certificate }) => (certificate === undefined ? [] : [{ name, certificate }]));
  return CertificateStore.open(names);
}
