import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import {
  type Client,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, loadSync } from "@grpc/proto-loader";

const protoFolder = join(dirname(createRequire(import.meta.url).resolve("@grpc/reflection")), "..", "proto");

interface ReflectionAnswer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
}

interface ReflectionStream {
  on(event: "data", listener: (message: ReflectionAnswer) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  write(request: object): void;
  end(): void;
}

/** Asks a server for its services and calls them by name, as grpcurl does: with nothing but the server's address. */
export interface ReflectingClient extends Disposable {
  services(): Promise<readonly string[]>;
  call(service: string, method: string, request: object): Promise<Readonly<Record<string, unknown>>>;
}

export function openReflectingClient(address: string): ReflectingClient {
  const file = join(protoFolder, "grpc", "reflection", "v1", "reflection.proto");
  const Reflection = serviceIn(loadPackageDefinition(loadSync(file)), "grpc.reflection.v1.ServerReflection");
  const reflection = new Reflection(address, credentials.createInsecure());
  const opened: Client[] = [reflection];
  const ask = async (request: object): Promise<ReflectionAnswer> => {
    const stream: ReflectionStream = reflection.ServerReflectionInfo?.() as unknown as ReflectionStream;
    const answer = await new Promise<ReflectionAnswer>((resolve, reject) => {
      stream.on("data", resolve);
      stream.on("error", reject);
      stream.write(request);
    });
    stream.end();
    return answer;
  };
  return {
    async services() {
      const { listServicesResponse } = await ask({ listServices: "*" });
      return listServicesResponse?.service.map(({ name }) => name) ?? [];
    },
    async call(service, method, request) {
      const { fileDescriptorResponse } = await ask({ fileContainingSymbol: service });
      const described = descriptorSet(fileDescriptorResponse?.fileDescriptorProto ?? []);
      const Service = serviceIn(
        loadPackageDefinition(loadFileDescriptorSetFromBuffer(described, { enums: String })),
        service,
      );
      const client = new Service(address, credentials.createInsecure());
      opened.push(client);
      return new Promise((resolve, reject) => {
        const unary = client[method];
        if (unary === undefined) return reject(new Error(`${service} has no method ${method}`));
        unary.call(client, request, (error: Error | null, answer: Record<string, unknown>) =>
          error === null ? resolve(answer) : reject(error),
        );
      });
    },
    [Symbol.dispose]: () => {
      for (const client of opened) client.close();
    },
  };
}

/** The message FileDescriptorSet: field 1, length-delimited, once for each file. */
function descriptorSet(files: readonly Buffer[]): Buffer {
  return Buffer.concat(files.flatMap((file) => [Buffer.from([0x0a, ...varint(file.length)]), file]));
}

function varint(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

function serviceIn(definition: GrpcObject, name: string): ServiceClientConstructor {
  let found: unknown = definition;
  for (const part of name.split(".")) found = (found as GrpcObject | undefined)?.[part];
  if (typeof found !== "function") throw new Error(`the server describes no ${name}`);
  return found as ServiceClientConstructor;
}
