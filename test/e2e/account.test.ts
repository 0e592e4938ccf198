import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { hmacPayLinks } from "../../functions/adapters/hmac-pay-links.ts";
import { DEMO_USER, DRAINING_LINE, QUIET_LINE } from "../../local/demo-data.ts";
import { DemoSubscriber } from "../../local/demo-subscriber.ts";
import { partsOf, pressConfirm } from "../api/pay-page-in-browser.ts";
import { testAssembly } from "../assembly.ts";
import { endLocal, type LocalProcess, runLocal, temporaryFolder } from "./local-process.ts";

/** A subscriber who pays by WeChat, from the first link to the day on which they are forgotten: on the local stack, over HTTP. */

const TIMEOUT_MILLISECONDS = 120_000;
const POLL_MILLISECONDS = 250;
const { iccid } = QUIET_LINE;

let folder: ReturnType<typeof temporaryFolder>;
let stack: LocalProcess;
let url: string;
let token: string;
let ada: DemoSubscriber;
/** The last moment of the timeline that a test has dealt with. */
let seenUpTo = 0;

const state = (name: string) => join(folder.path, "state", name);

async function ask(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly json: unknown }> {
  const headers = { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) };
  const reply = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await reply.text();
  return { status: reply.status, json: text === "" ? undefined : JSON.parse(text) };
}

/** Waits until the timeline tells of something on the line, and gives what it is about. */
async function until(what: string): Promise<{ readonly rechargeId: string }> {
  for (let waited = 0; waited < TIMEOUT_MILLISECONDS; waited += POLL_MILLISECONDS) {
    const found = (await ada.timeline(seenUpTo)).find((entry) => entry.what === what && entry.iccid === iccid);
    if (found !== undefined) {
      seenUpTo = found.sequence;
      return { rechargeId: found.rechargeId ?? "" };
    }
    await sleep(POLL_MILLISECONDS);
  }
  throw new Error(`${what} did not come:\n${stack.output()}`);
}

/** The link that the notice of this recharge carries. */
async function linkTo(rechargeId: string): Promise<string> {
  const secrets = z.parse(z.record(z.string(), z.looseObject({ key: z.optional(z.string()) })), JSON.parse(readFileSync(state("secrets.json"), "utf8")));
  const key = Object.entries(secrets).find(([name]) => name.includes("PayLinkSecret"))?.[1].key ?? "";
  return hmacPayLinks({ keys: async () => ({ key }), apiUrl: url }).urlFor({ rechargeId, expiresAt: "2999-01-01T00:00:00.000Z" });
}

async function becomesLow(): Promise<{ readonly rechargeId: string; readonly link: string }> {
  await ada.setLine(iccid, { available: 900 });
  await ada.advance(76); // the cooldown, and a turn of the wheel
  const { rechargeId } = await until("RechargeActionRequired");
  return { rechargeId, link: await linkTo(rechargeId) };
}

beforeAll(async () => {
  folder = temporaryFolder();
  stack = runLocal("start", ["--assembly", testAssembly(), "--state", join(folder.path, "state"), "--port", "0"]);
  url = String((await stack.until(/Ready at (\S+)/))[1]);
  token = await (await fetch(`${url}/local/token`)).text();
  ada = new DemoSubscriber(url, token);
  await ada.setLine(DRAINING_LINE.iccid, { available: 100_000, drainPerMinute: 0 });
  await ask("PATCH", "/v1/me", { language: "zh-CN", timeZone: "Asia/Shanghai" });
  const { json } = await ask("POST", "/v1/payment-methods", { type: "wechat_pay" });
  await ada.saveRule(iccid, z.parse(z.object({ paymentMethodId: z.string() }), json).paymentMethodId);
}, TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await endLocal(stack, "SIGKILL");
  folder[Symbol.dispose]();
});

describe("a WeChat payer", () => {
  it(
    "opens the link of the notice without signing in, confirms on its page, and is credited",
    async () => {
      const { link } = await becomesLow();
      const page = await fetch(link);
      const html = await page.text();
      expect(page.status).toBe(200);
      expect(partsOf(html)).toMatchObject({ title: "确认充值", rows: { 充值线路: "eSIM …0025", 金额: "¥50.00", 付款方式: "微信支付" } });

      const script = partsOf(html).scripts.find(({ src }) => src !== undefined)?.src ?? "";
      expect(page.headers.get("content-security-policy")).toContain(new URL(script).origin);
      const library = await (await fetch(script)).text();
      const seen = await pressConfirm(html, { url: link, library, fetch: (path: string, init: RequestInit) => fetch(new URL(path, link), init) });
      expect(seen.loaded).toEqual([link]);

      await until("RechargeSucceeded");
      expect([await ada.taken(), await ada.credited()]).toEqual([[5000], [5000]]);
      expect((await fetch(link)).status).toBe(410);
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "declines the next one: its payment is canceled, it ends, and nothing is taken",
    async () => {
      const { link, rechargeId } = await becomesLow();
      const { payment, declinesAt = "" } = partsOf(await (await fetch(link)).text());
      const answer = await fetch(new URL(declinesAt, link), { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" } });
      expect(partsOf(await answer.text()).title).toBe("已取消");
      expect(await until("RechargeCancelled")).toEqual({ rechargeId });

      const late = await ask("POST", "/local/stripe/customer", { clientSecret: payment?.clientSecret, pays: "wechat_pay" });
      expect(late.status).toBe(409);
      expect(JSON.stringify(late.json)).toContain("canceled");
      expect([await ada.taken(), await ada.credited()]).toEqual([[5000], [5000]]);
      expect((await ada.bills())[0]).toMatchObject({ rechargeId, status: "cancelled", reason: "by-subscriber" });
      expect((await fetch(link)).status).toBe(410);
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "has everything exported, is forgotten, and leaves nothing but bills behind",
    async () => {
      const exported = await ask("GET", "/v1/me/export");
      expect(exported).toMatchObject({ status: 200, json: { profile: { email: DEMO_USER.email, language: "zh-CN" }, recharges: [{}, {}], lines: [{}, {}] } });

      expect((await ask("DELETE", "/v1/me")).status).toBe(202);
      expect((await ask("GET", `/v1/rules/${iccid}`)).status).toBe(404);
      expect((await ask("POST", "/v1/payment-methods", { type: "alipay" })).status).toBe(409);
      for (let waited = 0; !logged().includes("account-erased"); waited += POLL_MILLISECONDS) {
        if (waited > TIMEOUT_MILLISECONDS) throw new Error(`They were not forgotten:\n${stack.output()}`);
        await ada.advance(5);
        await sleep(POLL_MILLISECONDS);
      }

      const left = await everythingStored();
      expect(left.filter((item) => item.part === "bill")).toHaveLength(2);
      const others = JSON.stringify(left.filter((item) => item.part !== "bill"));
      for (const theirs of [DEMO_USER.sub, DEMO_USER.email, DEMO_USER.phoneNumber, iccid, DRAINING_LINE.iccid, "pm_", "cus_"])
        expect(others).not.toContain(theirs);
      const bills = JSON.stringify(left.filter((item) => item.part === "bill"));
      for (const named of [DEMO_USER.email, DEMO_USER.phoneNumber, iccid, "cus_"]) expect(bills).not.toContain(named);
    },
    TIMEOUT_MILLISECONDS,
  );
});

/** What the functions have logged; the file is there from the first line on. */
function logged(): string {
  return existsSync(state("functions.log")) ? readFileSync(state("functions.log"), "utf8") : "";
}

/** Every item of every table of the stack. */
async function everythingStored(): Promise<Record<string, unknown>[]> {
  const { endpoint } = z.parse(z.object({ endpoint: z.string() }), databaseOf(JSON.parse(readFileSync(state("outputs.json"), "utf8"))));
  const client = new DynamoDBClient({ endpoint, region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } });
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  expect(TableNames.length).toBeGreaterThanOrEqual(5);
  const items = await Promise.all(TableNames.map(async (TableName) => (await client.send(new ScanCommand({ TableName }))).Items ?? []));
  client.destroy();
  return items.flat();
}

function databaseOf(outputs: unknown): { readonly endpoint: string | undefined } {
  return { endpoint: /"AWS_ENDPOINT_URL_DYNAMODB":\s*"([^"]+)"/.exec(JSON.stringify(outputs).replaceAll('\\"', '"'))?.[1] };
}
