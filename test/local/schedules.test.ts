import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { dueInstants, type LocalSchedule, startSchedules } from "../../local/cloud/schedules.ts";

const MINUTE = 60_000;
const QUEUE = "arn:aws:sqs:us-east-1:000000000000:work";
const DEAD_LETTERS = "arn:aws:sqs:us-east-1:000000000000:dead";
const START = Date.parse("2026-11-23T16:00:00Z");

function everyMinute(more: Partial<LocalSchedule["properties"]> = {}): LocalSchedule {
  const Target = { Arn: QUEUE, Input: '{"at":"<aws.scheduler.scheduled-time>"}', DeadLetterConfig: { Arn: DEAD_LETTERS } };
  return { logicalId: "Every", properties: { ScheduleExpression: "rate(1 minute)", Target, ...more } };
}

/** Runs schedules by a clock that the test moves; gives what was sent once there is something. */
async function run(schedules: readonly LocalSchedule[], moves: readonly number[], brokenQueue?: string) {
  let now = START + 1000;
  const sent: string[] = [];
  const errors: unknown[] = [];
  const send = async (queueArn: string, body: string) => {
    if (queueArn === brokenQueue) throw new Error("down");
    sent.push(`${queueArn.split(":").at(-1)} ${body}`);
  };
  const running = startSchedules({ schedules, send, onError: (error) => errors.push(error), now: () => now, pollMilliseconds: 1 });
  for (const move of moves) {
    now += move;
    await sleep(20);
  }
  await running.stop();
  return { sent, errors };
}

describe("schedules", () => {
  it("fire once for every due instant of the local clock, with the time for which they were due", async () => {
    const { sent } = await run([everyMinute()], [30_000, 30_000, 0, MINUTE]);
    expect(sent).toEqual(['work {"at":"2026-11-23T16:01:00Z"}', 'work {"at":"2026-11-23T16:02:00Z"}']);
  });

  it("fire every missed minute when the clock jumps", async () => {
    const { sent } = await run([everyMinute()], [3 * MINUTE]);
    expect(sent.map((message) => message.slice(-7, -5))).toEqual(["1:", "2:", "3:"]);
  });

  it("do nothing when disabled", async () => {
    expect((await run([everyMinute({ State: "DISABLED" })], [MINUTE])).sent).toEqual([]);
  });

  it("go to the dead-letter queue when the target refuses", async () => {
    const Target = { ...everyMinute().properties.Target, RetryPolicy: { MaximumRetryAttempts: 0 } };
    const { sent, errors } = await run([everyMinute({ Target })], [MINUTE], QUEUE);
    expect(sent).toEqual(['dead {"at":"2026-11-23T16:01:00Z"}']);
    expect(errors).toEqual([]);
  });

  it("tell of a message that no queue took, and go on", async () => {
    const Target = { Arn: QUEUE, Input: "{}", RetryPolicy: { MaximumRetryAttempts: 0 } };
    const { errors } = await run([everyMinute({ Target })], [MINUTE, MINUTE], QUEUE);
    expect(errors).toEqual([new Error("down"), new Error("down")]);
  });

  it.each<[string, Partial<LocalSchedule["properties"]>, string]>([
    ["another expression", { ScheduleExpression: "cron(0 3 * * ? *)" }, "Schedule Every: cron(0 3 * * ? *) is not a rate"],
    [
      "another context attribute",
      { Target: { Arn: QUEUE, Input: "<aws.scheduler.execution-id>" } },
      "Schedule Every: <aws.scheduler.execution-id> in Target.Input",
    ],
    ["no input", { Target: { Arn: QUEUE } }, "Schedule Every: Target.Input is missing"],
  ])("do not start with %s", (_name, fault, message) => {
    expect(() => startSchedules({ schedules: [everyMinute(fault)], send: async () => {}, onError: () => {} })).toThrow(message);
  });
});

describe("the due instants of a rate", () => {
  it("lie after the last look and not after the present one", () => {
    expect(dueInstants(START, START + 2 * MINUTE, MINUTE)).toEqual([START + MINUTE, START + 2 * MINUTE]);
    expect(dueInstants(START, START + MINUTE - 1, MINUTE)).toEqual([]);
  });

  it("lie at whole multiples of the rate, wherever the clock started", () => {
    expect(dueInstants(START + 1, START + 3_600_000, 900_000)).toEqual([1, 2, 3, 4].map((quarter) => START + quarter * 900_000));
  });

  it("are none when the clock went back", () => {
    expect(dueInstants(START, START - 10 * MINUTE, MINUTE)).toEqual([]);
  });

  it("are an hour of minutes and the newest when the clock jumps by a month", () => {
    const now = START + 30 * 24 * 60 * MINUTE;
    const due = dueInstants(START, now, MINUTE);
    expect(due).toHaveLength(61);
    expect([due[0], due[59], due[60]]).toEqual([START + MINUTE, START + 60 * MINUTE, now]);
  });

  it("count sixty missed minutes as not too many", () => {
    expect(dueInstants(START, START + 60 * MINUTE, MINUTE)).toHaveLength(60);
    expect(dueInstants(START, START + 61 * MINUTE, MINUTE)).toHaveLength(61);
  });
});
