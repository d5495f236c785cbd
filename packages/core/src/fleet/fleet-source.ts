import * as z from "zod";
import { healthSource } from "./health-source.ts";
import { notificationsSource } from "./notifications-source.ts";
import * as words from "./source-words.ts";

const engine = z
  .enum(["node", "haproxy"])
  .describe("What proxies run on. `node` is embedded; `haproxy` needs HAProxy 2.6 or newer installed on the hosts.");
const defaultEngine = engine.describe(
  "What the proxies of all sites and the fronts of all hosts run on, where a site says nothing.",
);
const onRegression = z
  .enum(["revert", "hold"])
  .describe(
    "What a rollout does when health regresses: go back by itself, or stop and leave it to a person (one-way migrations).",
  );
const drift = z
  .enum(["heal", "report"])
  .describe("What a host does about files and slots that somebody changed on it by hand.");
const drain = words.duration.describe(
  "Longest time requests and websockets on the old slot may take to end after a switch.",
);
const hold = words.duration.describe("Longest time a request waits while no slot is live, before it is answered 503.");
const keepPrevious = words.duration.describe("How long the previous release is kept startable after a switch.");
const maxUnavailable = words.count.describe(
  "Most hosts of a site in one environment that may be in the middle of an activation.",
);
const maxReverting = words.count.describe(
  "Most hosts of a site in one environment that go back at a time; twice maxUnavailable when absent.",
);

export const windowSource = z
  .strictObject({
    days: words.days.describe("Days of the week on which it opens."),
    hours: words.hours.describe("From when to when, by the clocks of the zone; may go over midnight."),
    zone: words.zone.describe("IANA name of the time zone."),
  })
  .describe("Hours of some days of every week.");

const windowWanted = 'a window such as { days: mon-thu, hours: "09:00-15:00", zone: Europe/Oslo }, or a list of them';
const approvalWanted = "a role, or a role and a number such as { role: approver, count: 2 }";
const attendedWanted = "true, or for how long it holds, such as { within: 30m }";

export const gatesSource = z
  .strictObject({
    soak: words.duration.optional().describe("Shortest time a wave is observed after its last activation."),
    approval: z
      .array(
        z.union(
          [
            words.role,
            z.strictObject({
              role: words.role.describe("The role in which it is approved."),
              count: words.people.describe("How many different people have to approve in it."),
            }),
          ],
          { error: approvalWanted },
        ),
      )
      .optional()
      .describe(
        "Who has to approve before the first wave of this environment: each role, by as many people as it says.",
      ),
    window: z
      .union([windowSource, z.array(windowSource).min(1, { error: "at least one window" })], { error: windowWanted })
      .optional()
      .describe("When waves may start. A wave starts only if it can finish or go back before the window closes."),
    attended: z
      .union(
        [
          words.yes,
          z.strictObject({
            within: words.duration.describe("For how long an acknowledgement holds until the first wave has to start."),
          }),
        ],
        { error: attendedWanted },
      )
      .optional()
      .describe("Somebody on call has to acknowledge shortly before the first wave of this environment."),
    representativeness: words.yes
      .optional()
      .describe("Whether the environment below must have bindings of every kind that this one has."),
    coverage: words.yes
      .optional()
      .describe("Whether every host of the environment below must have passed before this one is begun."),
    monitoring: words.yes
      .optional()
      .describe("Whether the probes of a wave's hosts must report before they are touched."),
    maxWait: words.duration
      .optional()
      .describe("Longest time an observation may stay inconclusive before the rollout halts and asks."),
  })
  .describe("What must be true before a rollout goes on.");

export const environmentSource = z
  .strictObject({
    name: words.name.describe("Name of the environment."),
    hosts: z
      .array(words.hostName)
      .min(1, { error: "at least one host" })
      .describe("Names of its hosts; a host belongs to one environment."),
    waves: z
      .array(words.wave)
      .min(1, { error: "at least one wave" })
      .optional()
      .describe("Cumulative size of each wave in hosts or per cent; the last one covers all hosts.")
      .meta({ examples: [[1, "50%", "100%"]] }),
    canary: words.canary
      .optional()
      .describe("Which hosts go first: those named, or the one that the fewest users came to in the last hour.")
      .meta({ examples: ["least-traffic", ["web-3"]] }),
    skipLostAfter: words.duration
      .optional()
      .describe("How long a host may be silent before waves go on without it; it follows when it is back."),
    gates: gatesSource.optional(),
    unconfirmed: z
      .enum(["revert", "keep"])
      .optional()
      .describe("What a host does with an activation that nobody confirmed in time."),
    drift: drift.optional(),
    pendingAlertAfter: words.duration
      .optional()
      .describe("How long an activation may be pending on a host before that is worth an alert."),
    onRegression: onRegression.optional(),
    health: healthSource.optional().describe("How sure verdicts about all sites have to be in this environment."),
  })
  .describe("A stage that changes are promoted through.");

export const hostSource = z
  .strictObject({
    address: words.address.optional().describe("Where listeners are bound and probes connect to."),
    ports: z
      .record(words.portKey, words.port)
      .optional()
      .describe("Binding port → port really listened on, where they differ.")
      .meta({ examples: [{ 80: 20180, 443: 20443 }] }),
  })
  .describe("What is special about a host.");

export const certificateSource = z
  .strictObject({
    cert: words.filePath.describe("PEM file with the certificate chain, on the host."),
    key: words.filePath.describe("PEM file with the private key, on the host."),
    renewal: z
      .enum(["rollout", "report"])
      .optional()
      .describe(
        "What is done once all hosts of an environment have found the same renewed pair, or each one of its own; rollout when absent.",
      ),
  })
  .describe("A certificate that bindings name.");

export const runSource = z
  .discriminatedUnion("driver", [
    z
      .strictObject({
        driver: z.literal("process").describe("The keeper starts a command in the folder of the release."),
        command: words.command.describe("Program and arguments; {port} and {release} are replaced."),
        env: words.environmentVariables.optional().describe("Environment variables for the command."),
      })
      .describe("A command that Sluice starts."),
    z
      .strictObject({
        driver: z.literal("external").describe("The slots are run by something else."),
        addresses: z
          .strictObject({
            blue: words.slotAddress.describe("host:port of the blue slot."),
            green: words.slotAddress.describe("host:port of the green slot."),
          })
          .describe("Where the slots are."),
        start: words.command.optional().describe("Command that starts a slot."),
        stop: words.command.optional().describe("Command that stops a slot."),
      })
      .describe("Slots that something else runs."),
  ])
  .describe("How copies of the site are run.");

export const readySource = z
  .strictObject({
    path: words.urlPath.optional().describe("Path that answers 200 once a slot is ready."),
    within: words.duration.optional().describe("Longest time a slot may take to become ready."),
  })
  .describe("When a slot is ready.");

export const forwardSource = z
  .strictObject({
    host: z
      .enum(["preserve", "internal"])
      .optional()
      .describe(
        "`preserve`: the slot gets the name the user asked for. `internal`: Host is the internal binding and the public name travels in X-Public-Host.",
      ),
  })
  .describe("How requests are passed on to a slot.");

export const bindingSource = z
  .strictObject({
    name: words.bindingName.describe("The host name users ask for."),
    kind: z.enum(["internal", "public"]).describe("Whether outsiders use it."),
    port: words.port.describe("The port users address."),
    tls: words.name.optional().describe("Name of a certificate; makes the binding a TLS one."),
    edge: words.edgeUrl.optional().describe("URL by which outsiders come in; public bindings only."),
  })
  .describe("One host name of a site.");

export const freezeSource = z
  .strictObject({
    name: words.name.describe("What it is called in lists and reasons."),
    reason: words.sentence.describe("Why; shown to everybody who has to wait."),
    owner: words.sentence.describe("Who answers questions about it."),
    zone: words.zone.describe("IANA name of the time zone of its dates and hours."),
    once: z
      .strictObject({
        from: words.localTime.describe("When it begins; a date alone is its first moment."),
        to: words.localTime.describe("When it ends; a date alone is its last moment."),
      })
      .optional()
      .describe("One stretch of time."),
    yearly: z
      .strictObject({
        from: words.monthDay.describe("Its first day."),
        to: words.monthDay.describe("Its last day; one before `from` is in the next year."),
      })
      .optional()
      .describe("Days of every year."),
    weekly: z
      .strictObject({
        days: words.days.describe("Days of the week on which it begins."),
        hours: words.hours.optional().describe("From when to when; the whole day when absent."),
      })
      .optional()
      .describe("Hours of every week."),
    environments: z.array(words.name).min(1, { error: "at least one" }).optional().describe("Only these environments."),
    sites: z.array(words.name).min(1, { error: "at least one" }).optional().describe("Only these sites."),
  })
  .describe("A time in which no wave starts.");

export const probeSource = z
  .strictObject({
    path: words.urlPath.describe("Path that is asked for."),
    method: z.enum(["GET", "HEAD", "POST", "OPTIONS"]).optional().describe("Method of the request."),
    headers: words.headers.optional().describe("Extra headers; Host is always the binding's name."),
    body: z.string().optional().describe("Body of the request, sent as it is; POST only."),
    expect: words.expectedStatus.optional().describe("Statuses that count as good."),
    contains: z
      .string()
      .min(1, { error: "text that is not empty" })
      .optional()
      .describe("Text the body has to contain."),
    timeout: words.duration.optional().describe("Longest time until the whole answer is there."),
  })
  .describe("A request that is asked of every binding on every hop.");

export const siteSource = z
  .strictObject({
    engine: engine.optional(),
    run: runSource,
    ready: readySource.optional(),
    forward: forwardSource.optional(),
    drain: drain.optional(),
    hold: hold.optional(),
    keepPrevious: keepPrevious.optional(),
    maxUnavailable: maxUnavailable.optional(),
    maxReverting: maxReverting.optional(),
    onRegression: onRegression.optional(),
    drift: drift.optional(),
    health: healthSource.optional().describe("How sure verdicts about this site have to be."),
    bindings: z
      .record(
        words.name,
        z
          .array(bindingSource)
          .min(1, { error: "at least one binding" })
          .describe("The site's host names in one environment."),
      )
      .describe("The site's host names, by environment."),
    probes: z
      .array(probeSource)
      .min(1, { error: "at least one probe" })
      .optional()
      .describe("What is asked of every binding."),
  })
  .describe("An application served under host names.");

export const defaultsSource = z
  .strictObject({
    engine: defaultEngine.optional(),
    health: healthSource.optional().describe("How sure verdicts have to be, where environment and site say nothing."),
    onRegression: onRegression.optional(),
    drift: drift.optional(),
    drain: drain.optional(),
    hold: hold.optional(),
    keepPrevious: keepPrevious.optional(),
    maxUnavailable: maxUnavailable.optional(),
    maxReverting: maxReverting.optional(),
  })
  .describe("What sites use where they say nothing.");

/** The shape of a fleet file: what a person writes, before defaults and relations. Strict and without coercion. */
export const fleetSource = z
  .strictObject({
    fleet: words.name.describe("Name of the fleet."),
    environments: z
      .array(environmentSource)
      .min(1, { error: "at least one environment" })
      .describe("Stages, in order of promotion."),
    hosts: z.record(words.hostName, hostSource).optional().describe("What is special about single hosts."),
    sharedPorts: z
      .array(words.port)
      .optional()
      .describe("Binding ports that belong to the front because several sites use them."),
    certificates: z.record(words.name, certificateSource).optional().describe("Certificates that bindings name."),
    defaults: defaultsSource.optional(),
    freezes: z.array(freezeSource).optional().describe("Times in which no wave starts."),
    notifications: notificationsSource.optional(),
    sites: z.record(words.name, siteSource).describe("The sites, by name."),
  })
  .describe("The whole desired state of a fleet.");

export type FleetSource = z.infer<typeof fleetSource>;
export type EnvironmentSource = z.infer<typeof environmentSource>;
export type FreezeSource = z.infer<typeof freezeSource>;
export type HostSource = z.infer<typeof hostSource>;
export type CertificateSource = z.infer<typeof certificateSource>;
export type SiteSource = z.infer<typeof siteSource>;
export type BindingSource = z.infer<typeof bindingSource>;
export type ProbeSource = z.infer<typeof probeSource>;
export type RunSource = z.infer<typeof runSource>;
export type DefaultsSource = z.infer<typeof defaultsSource>;
