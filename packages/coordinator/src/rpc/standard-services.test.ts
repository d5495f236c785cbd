import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import {
  type ChannelCredentials,
  type Client,
  credentials,
  loadPackageDefinition,
  makeClientConstructor,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { service as healthService } from "grpc-health-check";
import { expect, test } from "vitest";
import { startRig } from "../testing/coordinator-rig.ts";

interface ReflectionCall {
  on(event: "data", listener: (message: ReflectionAnswer) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  write(request: unknown): void;
  end(): void;
}

interface ReflectionAnswer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
}

interface ReflectionClient extends Client {
  ServerReflectionInfo(): ReflectionCall;
}

const reflectionProtos = join(dirname(createRequire(import.meta.url).resolve("@grpc/reflection")), "..", "proto");

function reflectionClient(version: "v1" | "v1alpha", address: string): ReflectionClient {
  const file = join(reflectionProtos, "grpc", "reflection", version, "reflection.proto");
  const loaded = loadPackageDefinition(loadSync(file)) as unknown as {
    grpc: {
      reflection: Record<
        string,
        { ServerReflection: new (address: string, creds: ChannelCredentials) => ReflectionClient }
      >;
    };
  };
  const Reflection = loaded.grpc.reflection[version]?.ServerReflection;
  if (Reflection === undefined) throw new Error(`no reflection ${version}`);
  return new Reflection(address, credentials.createInsecure());
}

async function ask(client: ReflectionClient, request: unknown): Promise<ReflectionAnswer> {
  const call = client.ServerReflectionInfo();
  try {
    return await new Promise((resolve, reject) => {
      call.on("data", resolve);
      call.on("error", reject);
      call.write(request);
    });
  } finally {
    call.end();
  }
}

test.each(["v1", "v1alpha"] as const)(
  "reflection %s lists the services and describes their methods",
  async (version) => {
    await using rig = await startRig();
    const client = reflectionClient(version, rig.coordinator.address);
    const listed = await ask(client, { listServices: "*" });
    const names = listed.listServicesResponse?.service.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["sluice.agent.v1.AgentService", "sluice.operator.v1.OperatorService"]),
    );
    const described = await ask(client, { fileContainingSymbol: "sluice.operator.v1.OperatorService" });
    expect(described.fileDescriptorResponse?.fileDescriptorProto.some((file) => file.includes("WatchRollout"))).toBe(
      true,
    );
    client.close();
  },
);

test("the health service says that the coordinator serves", async () => {
  await using rig = await startRig();
  const Health = makeClientConstructor(healthService as never, "grpc.health.v1.Health");
  const client = new Health(rig.coordinator.address, credentials.createInsecure());
  const check = client.check as unknown as (
    request: { service: string },
    callback: (error: Error | null, answer: { status: string }) => void,
  ) => void;
  const answer = await new Promise((resolve, reject) => {
    check.call(client, { service: "sluice.operator.v1.OperatorService" }, (error, value) =>
      error === null ? resolve(value) : reject(error),
    );
  });
  expect(answer).toEqual({ status: "SERVING" });
  client.close();
});
