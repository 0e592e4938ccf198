import { readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "@jest/globals";
import { AWS_LIMITS } from "../../functions/adapters/aws-limits.ts";

const ADAPTERS = join(import.meta.dirname, "../../functions/adapters");

describe("a call to AWS", () => {
  it("ends when AWS takes the request and stays silent", async () => {
    const open = new Set<Socket>();
    const silent = createServer((socket) => void open.add(socket));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const client = new SQSClient({ ...AWS_LIMITS, maxAttempts: 1, endpoint: `http://127.0.0.1:${port}`, region: "us-east-1", credentials });
    try {
      await expect(client.send(new ListQueuesCommand({}))).rejects.toThrow(expect.objectContaining({ name: "TimeoutError" }));
    } finally {
      client.destroy();
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => silent.close(resolve));
    }
  });

  it.each(readdirSync(ADAPTERS))("is made within the limits in %s", (file) => {
    const made = readFileSync(join(ADAPTERS, file), "utf8").match(/new (?!DynamoDBDocument)\w+Client\([^)]*\)/g) ?? [];
    expect(made.filter((call) => !call.includes("AWS_LIMITS"))).toEqual([]);
  });
});
