import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { installClock, type LocalClock } from "../../local/clock.ts";
import { type AlarmChange, type AlarmDefinition, type Alarms, startAlarms, watchable } from "../../local/cloud/alarms.ts";
import { readProperties } from "../../local/cloud/supported-resources.ts";

const MINUTE = 60_000;
/** No poll comes between the looks of a test. */
const NEVER = 2 ** 31 - 1;

let folder: string;
let clock: LocalClock;
let depth: number;
let told: AlarmChange[];
let alarms: Alarms;

/** As the CDK writes an alarm on a dead-letter queue. */
function deadLetters(change: object = {}): AlarmDefinition {
  const properties = alarmProperties({
    AlarmDescription: "Subscribers wait for a recharge. See docs/runbook.md#recharge",
    AlarmActions: ["arn:aws:sns:us-east-1:000000000000:Alarms"],
    ComparisonOperator: "GreaterThanOrEqualToThreshold",
    Dimensions: [{ Name: "QueueName", Value: "RechargeDeadLetters" }],
    EvaluationPeriods: 1,
    MetricName: "ApproximateNumberOfMessagesVisible",
    Namespace: "AWS/SQS",
    Period: 60,
    Statistic: "Maximum",
    Threshold: 1,
    TreatMissingData: "notBreaching",
    ...change,
  });
  const [definition] = watchable([{ name: "RechargeStuck", properties }]);
  if (definition === undefined) throw new Error("It cannot be watched");
  return definition;
}

function alarmProperties(written: object) {
  return readProperties("AWS::CloudWatch::Alarm", written);
}

function start(definition: AlarmDefinition) {
  const depthOf = (queueName: string) => (queueName === "RechargeDeadLetters" ? depth : 99);
  alarms = startAlarms({ alarms: [definition], depth: depthOf, tell: (change) => told.push(change), pollMilliseconds: NEVER });
}

/** Minute by minute: what the queue holds, and the alarm's state then. */
function statesOver(depths: readonly number[]) {
  return depths.map((next) => {
    depth = next;
    clock.advance(MINUTE);
    alarms.look();
    return alarms.states().get("RechargeStuck");
  });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "alarms-"));
  clock = installClock({ file: join(folder, "clock") });
  clock.setSpeed(1e-9); // stands but for what a test moves it by
  clock.advance(MINUTE - (clock.now() % MINUTE));
  depth = 0;
  told = [];
});

afterEach(() => {
  alarms.close();
  clock.close();
  rmSync(folder, { recursive: true });
});

describe("a local alarm", () => {
  it("goes off at the first dead letter, and says for whom, once", () => {
    start(deadLetters());
    alarms.look();
    expect(told).toEqual([]);
    depth = 1;
    alarms.look();
    alarms.look();
    expect(told).toEqual([
      {
        name: "RechargeStuck",
        description: "Subscribers wait for a recharge. See docs/runbook.md#recharge",
        queueName: "RechargeDeadLetters",
        state: "ALARM",
        at: clock.now(),
        actions: ["arn:aws:sns:us-east-1:000000000000:Alarms"],
      },
    ]);
  });

  it("is OK again in the period after the last message has gone", () => {
    start(deadLetters());
    expect(statesOver([0, 2])).toEqual(["OK", "ALARM"]);
    depth = 0;
    alarms.look();
    expect(alarms.states().get("RechargeStuck")).toBe("ALARM"); // the maximum of this minute is still 2
    expect(statesOver([0, 0])).toEqual(["OK", "OK"]);
    expect(told.map(({ state, actions }) => [state, actions.length])).toEqual([
      ["ALARM", 1],
      ["OK", 0],
    ]);
  });

  it("waits for as many periods as it is told to", () => {
    start(deadLetters({ EvaluationPeriods: 3 }));
    expect(statesOver([1, 1, 0, 1, 1, 1, 0])).toEqual(["OK", "OK", "OK", "OK", "OK", "ALARM", "OK"]);
  });

  it("can be content with some of the periods", () => {
    start(deadLetters({ EvaluationPeriods: 3, DatapointsToAlarm: 2 }));
    expect(statesOver([1, 0, 1, 0, 0])).toEqual(["OK", "OK", "ALARM", "OK", "OK"]);
  });

  it("counts periods that the clock was moved over, with what was there before", () => {
    start(deadLetters({ EvaluationPeriods: 5 }));
    expect(statesOver([1])).toEqual(["OK"]);
    clock.advance(5 * MINUTE);
    alarms.look();
    expect(alarms.states().get("RechargeStuck")).toBe("ALARM");
    clock.advance(100 * 365 * 24 * 60 * MINUTE);
    depth = 0;
    alarms.look();
    expect(alarms.states().get("RechargeStuck")).toBe("OK");
  });

  it("compares as it is told to", () => {
    start(deadLetters({ ComparisonOperator: "GreaterThanThreshold" }));
    expect(statesOver([1, 2])).toEqual(["OK", "ALARM"]);
    alarms.close();
    start(deadLetters({ Statistic: "Minimum" }));
    statesOver([0]);
    depth = 5;
    alarms.look();
    expect(alarms.states().get("RechargeStuck")).toBe("OK");
  });

  it("looks by itself", async () => {
    depth = 1;
    alarms = await new Promise<Alarms>((resolve) => {
      const started = startAlarms({ alarms: [deadLetters()], depth: () => depth, tell: () => resolve(started), pollMilliseconds: 1 });
    });
    expect(alarms.states()).toEqual(new Map([["RechargeStuck", "ALARM"]]));
  });

  it("is refused when it is about a sum", () => {
    start(deadLetters());
    expect(() => startAlarms({ alarms: [deadLetters({ Statistic: "Sum" })], depth: () => 0, tell: () => {} })).toThrow("not supported locally");
  });
});
