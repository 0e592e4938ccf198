import { SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type Queues, startQueues } from "../../local/cloud/queues.ts";
import { sqsDeadLetters } from "../../ops/dead-letters.ts";
import { redrive } from "../../ops/redrive.ts";
import { ICCID } from "../builders.ts";
import { OPERATOR, opsWorld } from "./ops-world.ts";

const POKE = JSON.stringify({ iccid: ICCID });

describe("dead letters in SQS", () => {
  let queues: Queues;
  let client: SQSClient;
  beforeAll(async () => {
    queues = await startQueues();
    client = new SQSClient({ endpoint: queues.endpoint, region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } });
  });
  afterAll(async () => {
    client.destroy();
    await queues.close();
  });

  async function deadLetters(name: string, bodies: readonly string[]) {
    const dead = `${name}-dead`;
    await queues.ensure([
      { name, properties: {} },
      { name: dead, properties: {} },
    ]);
    for (const body of bodies) await queues.send(dead, body);
    const letters = sqsDeadLetters(client, { url: queues.urlOf(name), deadLettersUrl: queues.urlOf(dead) });
    const world = opsWorld();
    const run = (yes: boolean) => redrive({ ...world.ports, deadLettersOf: () => letters }, { queue: "RechargeQueue", limit: 100, yes, by: OPERATOR });
    const bodiesIn = (queue: string) => queues.peek(queue).map(({ body }) => body);
    return { letters, run, printed: world.printed, source: () => bodiesIn(name), left: () => bodiesIn(dead) };
  }

  it("go back to the queue they came from; those that its reader would refuse stay, and can be had at once", async () => {
    const { letters, run, source, left } = await deadLetters("moved", [POKE, "not JSON", POKE]);
    await run(true);
    expect(source()).toEqual([POKE, POKE]);
    expect(left()).toEqual(["not JSON"]);
    expect(await letters.receive(10)).toMatchObject([{ body: "not JSON" }]);
  });

  it("stay where they are, and can be had at once, when they were only looked at", async () => {
    const { letters, run, source, left, printed } = await deadLetters("shown", [POKE]);
    await run(false);
    expect(source()).toEqual([]);
    expect(left()).toEqual([POKE]);
    expect(await letters.receive(10)).toMatchObject([{ body: POKE }]);
    expect(printed[0]).toMatch(/^would move {2}\S+ {2}sent 20\d\d-\d\d-\d\dT\S+Z {2}a poke of line …0017$/);
  });

  it("are given to one reader at a time, as many as asked for", async () => {
    const { letters } = await deadLetters("taken", [POKE, POKE, POKE]);
    expect(await letters.receive(2)).toHaveLength(2);
    expect(await letters.receive(10)).toHaveLength(1);
    expect(await letters.receive(10)).toEqual([]);
  });
});
