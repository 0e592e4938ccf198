import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { dynamoDb } from "../../functions/adapters/dynamodb-client.ts";
import { dynamoDbSubscribers } from "../../functions/adapters/dynamodb-subscribers.ts";
import { DEMO_USER } from "../../local/demo-data.ts";
import { readOutputs } from "../../ops/operations.ts";
import { ACCESS } from "../adapters/deployed-tables.ts";
import { testAssembly } from "../assembly.ts";
import { endLocal, type LocalProcess, runLocal, temporaryFolder } from "./local-process.ts";

/** What a subscriber in Shanghai reads at the turn of a month, by mail and on their phone, from the stacks as they would be deployed. */

const TIMEOUT_MILLISECONDS = 120_000;
/** The evening of the last day of November, in Shanghai. */
const START = Date.parse("2026-11-30T12:00:00.000Z");
/** The draining line is low after ten minutes, and every line of its tier is looked at every fifteen. */
const MINUTES_UNTIL_LOW_AND_SEEN = 16;
const DAY_MINUTES = 24 * 60;
const LOOK_MILLISECONDS = 200;
const MOST_LOOKS = 300; // 300 x 200 ms = 1 min

const outboxSchema = z.array(z.object({ channel: z.string(), to: z.tuple([z.string()]), subject: z.string(), text: z.string(), readableAt: z.string() }));

describe("the notices of a subscriber who chose Chinese, mail and text messages", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let stack: LocalProcess;
  let url: string;
  const advance = (advanceMinutes: number) => fetch(`${url}/local/clock`, { method: "POST", body: JSON.stringify({ advanceMinutes }) });

  /** Waits for a mail and a text message that say so, and gives them. */
  async function told(mailed: string, texted: string) {
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const outbox = z.parse(outboxSchema, await (await fetch(`${url}/local/outbox`)).json());
      const mails = outbox.filter(({ channel, subject }) => channel === "email" && subject === mailed);
      const texts = outbox.filter(({ channel, text }) => channel === "sms" && text.startsWith(texted));
      if (mails.length > 0 && texts.length > 0) return { mails, texts };
      await sleep(LOOK_MILLISECONDS);
    }
    throw new Error(`Nobody was told "${mailed}"`);
  }

  beforeAll(async () => {
    folder = temporaryFolder();
    const state = join(folder.path, "state");
    mkdirSync(state);
    writeFileSync(join(state, "clock.json"), [START, START, 60, START].join(" "));
    stack = runLocal("start", ["--assembly", testAssembly(), "--state", state, "--port", "0"]);
    url = String((await stack.until(/Ready at (\S+)/))[1]);
    await stack.until(/events +RuleSaved/);

    const { operations, environment } = readOutputs(readFileSync(join(state, "outputs.json"), "utf8"));
    Object.assign(process.env, ACCESS);
    const client = dynamoDb(environment.AWS_ENDPOINT_URL_DYNAMODB);
    const subscribers = dynamoDbSubscribers(client, operations.tables.subscribers);
    const notices = { channels: ["email", "sms"], succeeded: true, monthlySummary: true } as const;
    await subscribers.putProfile({ subscriberId: DEMO_USER.sub, email: DEMO_USER.email, phoneNumber: DEMO_USER.phoneNumber });
    await subscribers.putChoices(DEMO_USER.sub, { language: "zh-CN", timeZone: "Asia/Shanghai", notices });
    for (const method of await subscribers.listMethods(DEMO_USER.sub))
      await subscribers.putMethod(DEMO_USER.sub, { ...method, expiry: { month: 12, year: 2026 } });
    client.destroy();
  }, TIMEOUT_MILLISECONDS);
  afterAll(async () => {
    await endLocal(stack);
    folder[Symbol.dispose]();
  }, TIMEOUT_MILLISECONDS);

  it(
    "tell of a recharge, in a form that a browser shows",
    async () => {
      await advance(MINUTES_UNTIL_LOW_AND_SEEN);
      const { mails, texts } = await told("eSIM …0017：已充值 ¥50.00", "尾号0017的eSIM：已充值 ¥50.00。");
      expect(mails[0]).toMatchObject({ to: [DEMO_USER.email], text: expect.stringContaining("我们已为尾号 0017 的 eSIM 充值 ¥50.00") });
      expect(texts[0]?.to).toEqual([DEMO_USER.phoneNumber]);
      const page = await (await fetch(`${url}${mails[0]?.readableAt}`)).text();
      expect(page).toContain("&lt;h1 style=");
      expect(page).toContain("已充值 ¥50.00");
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "tell of a month that ended and of a card that will, once",
    async () => {
      await advance(DAY_MINUTES);
      const month = await told("您 2026年11月的充值汇总", "您 2026年11月的充值汇总。充值 1 次，共 ¥50.00。");
      const card = await told("您尾号 4242 的 Visa 卡即将到期", "您尾号 4242 的 Visa 卡即将到期。有效期至2026年12月31日。");
      expect([month, card].map(({ mails, texts }) => [mails.length, texts.length])).toEqual([
        [1, 1],
        [1, 1],
      ]);
    },
    TIMEOUT_MILLISECONDS,
  );
});
