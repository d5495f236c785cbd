import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { findViolations } from "./find-violations.ts";

const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "packages", "test"], {
  encoding: "utf8",
});
const paths = listed.split("\n").filter((path) => path.endsWith(".ts") && !path.includes("/generated/"));
const files = paths.flatMap((path) => {
  try {
    return [{ path, text: readFileSync(path, "utf8") }];
  } catch {
    return [];
  }
});
const violations = findViolations(files);
for (const { path, line, sentence } of violations) console.error(`${path}:${line}: ${sentence}`);
console.log(`layers: ${files.length} files, ${violations.length} violations`);
process.exitCode = violations.length === 0 ? 0 : 1;
