/**
 * A small site for trying Sluice: it knows only the host names it is bound to, like the web server of the incident.
 * What it does differently from release to release stands in site.json beside it. Each environment has a database of its own, which
 * is gone on all of its hosts and for all releases as long as there is a file `NAME-database-is-down` in the data folder of the
 * fleet, where NAME is the internal name of the site there.
 */
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const site = JSON.parse(readFileSync(new URL("site.json", import.meta.url), "utf8"));
const bindings = JSON.parse(process.env.SLUICE_BINDINGS ?? "[]");
const boundNames = bindings.filter((binding) => binding.kind === "internal").map((binding) => binding.name);
const publicNames = bindings.filter((binding) => binding.kind === "public").map((binding) => binding.name);
const about = {
  site: process.env.SLUICE_SITE ?? site.name,
  release: process.env.SLUICE_RELEASE ?? "none",
  slot: process.env.SLUICE_SLOT ?? "none",
  host: /\/hosts\/([^/]+)\//.exec(import.meta.dirname)?.[1] ?? "unknown",
  pid: process.pid,
};

if (site.variant === "dies") {
  console.error("cannot open the database: no such file");
  process.exit(3);
}

/** Every so many posts under a public name fail in the variant `fails-some`: a twentieth of what the demo's users ask for. */
const postsPerFailure = 6;
let publicPosts = 0;
const database = join(import.meta.dirname.split("/hosts/")[0], `${boundNames[0]}-database-is-down`);

const nameOf = (header) => (header ?? "").replace(/:\d+$/, "").toLowerCase();

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://site");
  response.setHeader("X-Sample-Host", about.host);
  response.setHeader("X-Sample-Release", about.release);
  response.setHeader("X-Sample-Slot", about.slot);
  if (!boundNames.includes(nameOf(request.headers.host)))
    return answer(response, 400, "Bad Request - Invalid Hostname\n");
  const publicHost = nameOf(request.headers["x-public-host"]);
  const isPublic = publicNames.includes(publicHost);
  if (site.variant === "fails-public" && url.pathname !== "/healthz" && isPublic) {
    return answer(response, 500, "cannot load the theme of the public shop\n");
  }
  if (existsSync(database) && (url.pathname === "/" || url.pathname === "/echo")) {
    return answer(response, 503, "the database does not answer\n");
  }
  if (request.method === "POST" && url.pathname === "/echo") {
    if (isPublic) publicPosts += 1;
    const fails = site.variant === "fails-some" && isPublic && publicPosts % postsPerFailure === 0;
    return fails ? answer(response, 500, "cannot write the order\n") : echo(request, response);
  }
  // What else was sent is read and left aside, so that the connection can be used again.
  request.resume();
  switch (url.pathname) {
    case "/":
      return answer(
        response,
        200,
        `${site.title}, release ${about.release} in ${about.slot} on ${about.host}, asked as ${publicHost || "nobody"}\n`,
      );
    case "/healthz":
      return answer(response, 200, "ok\n");
    case "/version":
      return answer(response, 200, `${JSON.stringify(about)}\n`, "application/json");
    case "/slow":
      setTimeout(() => answer(response, 200, "done\n"), Math.min(Number(url.searchParams.get("ms")) || 1000, 60_000));
      return;
    default:
      return answer(response, 404, "no such page\n");
  }
});

function answer(response, status, text, type = "text/plain") {
  response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}

function echo(request, response) {
  response.writeHead(200, { "Content-Type": request.headers["content-type"] ?? "application/octet-stream" });
  request.pipe(response);
}

// Longer than any proxy keeps an idle connection, so that it is never the site that hangs up first.
server.keepAliveTimeout = 120_000;
server.listen(Number(process.env.PORT ?? 0), process.env.HOST ?? "127.0.0.1", () =>
  console.log(`listening as ${boundNames.join(", ")}`),
);
process.once("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
