import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { installClock, type LocalClock } from "../../local/clock.ts";
import { type QueueDefinition, type Queues, startQueues } from "../../local/cloud/queues.ts";

const POKES = { VisibilityTimeout: 60, RedrivePolicy: { deadLetterTargetArn: "arn:aws:sqs:us-east-1:000000000000:Dead", maxReceiveCount: 2 } };
const QUEUES: QueueDefinition[] = [
  { name: "Dead", properties: { MessageRetentionPeriod: 1_209_600 } },
  { name: "Pokes", properties: POKES },
];

const ATTRIBUTE = { DataType: "String", StringValue: "1" };

let folder: string;
let clock: LocalClock;
let started: Queues[];

async function start(options: { dataDir?: string } = {}): Promise<Queues> {
  const queues = await startQueues(options);
  started.push(queues);
  await queues.ensure(QUEUES);
  return queues;
}

async function close(queues: Queues) {
  started = started.filter((other) => other !== queues);
  await queues.close();
}

function receive(queues: Queues, queue = "Pokes", waitSeconds = 0) {
  const consumed = queues.consume(queue);
  return consumed.receive({ maxMessages: 10, waitSeconds, visibilityTimeoutSeconds: consumed.visibilityTimeoutSeconds });
}

async function receiveOne(queues: Queues, queue = "Pokes", waitSeconds = 0) {
  const [message] = await receive(queues, queue, waitSeconds);
  if (message === undefined) throw new Error(`Nothing in ${queue}`);
  return message;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "queues-"));
  clock = installClock({ file: join(folder, "clock") });
  started = [];
});

afterEach(async () => {
  await Promise.all(started.map((queues) => queues.close()));
  clock.close();
  rmSync(folder, { recursive: true });
});

describe("a local queue", () => {
  it("hands a message on as SQS does, once, until it is removed", async () => {
    const queues = await start();
    const messageId = await queues.send("Pokes", '{"iccid":"8944"}');
    const message = await receiveOne(queues);
    expect(message).toMatchObject({ messageId, body: '{"iccid":"8944"}', attributes: { ApproximateReceiveCount: "1", SentTimestamp: expect.any(String) } });
    expect(await receive(queues)).toEqual([]);
    await queues.consume("Pokes").remove(message.receiptHandle);
    clock.advance(120_000);
    expect(await receive(queues)).toEqual([]);
  });

  it("is found by name, ARN and URL, and by a plain client under its own URL", async () => {
    const queues = await start();
    await queues.send("arn:aws:sqs:us-east-1:000000000000:Pokes", "by ARN");
    await queues.send(queues.urlOf("Pokes"), "by URL");
    const client = new SQSClient({ endpoint: queues.endpoint, region: "us-east-1", credentials: { accessKeyId: "a", secretAccessKey: "b" } });
    await client.send(new SendMessageCommand({ QueueUrl: queues.urlOf("Pokes"), MessageBody: "by SDK", MessageAttributes: { code: ATTRIBUTE } }));
    client.destroy();
    expect(queues.peek("Pokes").map((message) => message.body)).toEqual(["by ARN", "by URL", "by SDK"]);
    expect((await receive(queues))[2]?.messageAttributes).toEqual({ code: { dataType: "String", stringValue: "1" } });
    await expect(queues.send("Nobody", "")).rejects.toThrow("There is no queue Nobody");
  });

  it("is reached from this machine only", async () => {
    const { endpoint } = await start();
    expect((await fetch(`${endpoint}/health`)).status).toBe(200);
    // Every server that listens on all interfaces also answers here.
    await expect(fetch(`${endpoint.replace("127.0.0.1", "127.0.0.2")}/health`)).rejects.toThrow();
  });

  it("delays and hides messages by the local clock", async () => {
    const queues = await start();
    await queues.send("Pokes", "later", 90);
    await queues.send("Pokes", "now");
    expect(queues.depth("Pokes")).toBe(1);
    expect((await receiveOne(queues)).body).toBe("now");
    expect(
      queues
        .peek("Pokes")
        .map(({ body, state }) => `${body}: ${state}`)
        .sort(),
    ).toEqual(["later: delayed", "now: in-flight"]);
    clock.advance(61_000);
    expect(queues.depth("Pokes")).toBe(1);
    clock.advance(30_000);
    expect(queues.depth("Pokes")).toBe(2);
    expect((await receive(queues)).map(({ body }) => body).sort()).toEqual(["later", "now"]);
  });

  it("wakes up somebody who waits when the local clock reaches a message", async () => {
    const queues = await start();
    await queues.send("Pokes", "later", 900);
    const waiting = receiveOne(queues, "Pokes", 20);
    clock.setSpeed(100_000);
    expect((await waiting).body).toBe("later");
  });

  it("shows a message again when its visibility is changed, with and without a folder", async () => {
    for (const options of [{}, { dataDir: join(folder, "sqs") }]) {
      const queues = await start(options);
      await queues.send("Pokes", "again");
      const { receiptHandle } = await receiveOne(queues);
      await queues.consume("Pokes").changeVisibility(receiptHandle, 0);
      expect((await receiveOne(queues, "Pokes", 5)).attributes).toMatchObject({ ApproximateReceiveCount: "2" });
    }
  });

  it("gives a message that was received too often to its dead-letter queue", async () => {
    const queues = await start();
    await queues.send("Pokes", "poison");
    for (let delivery = 1; delivery <= 2; delivery++) {
      await receiveOne(queues);
      clock.advance(61_000);
    }
    expect(await receive(queues)).toEqual([]);
    expect(queues.depth("Pokes")).toBe(0);
    expect((await receiveOne(queues, "Dead")).body).toBe("poison");
  });

  it("takes new settings without losing what is in it", async () => {
    const queues = await start();
    await queues.send("Pokes", "kept");
    await queues.ensure([{ name: "Pokes", properties: { VisibilityTimeout: 600 } }]);
    for (let delivery = 1; delivery <= 4; delivery++) {
      expect((await receiveOne(queues)).body).toBe("kept");
      clock.advance(61_000);
      expect(await receive(queues)).toEqual([]);
      clock.advance(540_000);
    }
    await expect(queues.ensure([{ name: "Pokes", properties: { VisibilityTimeout: 43_201 } }])).rejects.toThrow("VisibilityTimeout");
  });

  it("hides a message for as long as whoever receives it asks", async () => {
    const queues = await start();
    await queues.send("Pokes", "long work");
    expect(queues.consume("Pokes")).toMatchObject({ arn: "arn:aws:sqs:us-east-1:000000000000:Pokes", visibilityTimeoutSeconds: 60 });
    await queues.consume("Pokes").receive({ maxMessages: 1, waitSeconds: 0, visibilityTimeoutSeconds: 600 });
    clock.advance(61_000);
    expect(queues.depth("Pokes")).toBe(0);
    clock.advance(540_000);
    expect(queues.depth("Pokes")).toBe(1);
  });

  it("lets go of those who wait when it is closed", async () => {
    const queues = await start();
    const waiting = [receive(queues, "Pokes", 20), receive(queues, "Dead", 20)];
    await new Promise((resolve) => setTimeout(resolve, 50)); // they may be on their way or waiting: both must end
    await close(queues);
    expect(await Promise.all(waiting)).toEqual([[], []]);
  });

  it("keeps messages over a kill, and gives out again at once what somebody had taken", async () => {
    const dataDir = join(folder, "sqs");
    const source = JSON.stringify(new URL("../../local/cloud/queues.ts", import.meta.url).href);
    const program = `
      const { startQueues } = await import(${source});
      const queues = await startQueues({ dataDir: ${JSON.stringify(dataDir)} });
      await queues.ensure(${JSON.stringify(QUEUES)});
      await queues.send("Pokes", "taken");
      await queues.consume("Pokes").receive({ maxMessages: 1, waitSeconds: 0, visibilityTimeoutSeconds: 60 });
      await queues.send("Pokes", "waiting");
      await queues.send("Pokes", "delayed", 900);
      process.kill(process.pid, "SIGKILL");`;
    expect(spawnSync(process.execPath, ["--input-type=module", "-e", program]).signal).toBe("SIGKILL");

    const queues = await start({ dataDir });
    clock.advance(1000);
    const taken = await receive(queues);
    expect(taken.map(({ body, attributes }) => `${body}: ${attributes.ApproximateReceiveCount}`).sort()).toEqual(["taken: 2", "waiting: 1"]);
    clock.advance(900_000);
    expect((await receive(queues)).map(({ body }) => body)).toContain("delayed");
  });
});
