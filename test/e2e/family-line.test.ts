import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { demoRule, LINS_LINE } from "../../local/demo-data.ts";
import { DemoSubscriber } from "../../local/demo-subscriber.ts";
import { testAssembly } from "../assembly.ts";
import { endLocal, type LocalProcess, runLocal, temporaryFolder } from "./local-process.ts";

const TIMEOUT_MILLISECONDS = 120_000;
/** How long what was asked for may need to arrive, on a busy machine. */
const WAIT_MILLISECONDS = 25_000;
const { iccid } = LINS_LINE;
const money = (amount: number) => ({ amount, currency: "CNY" });

const messages = z.array(z.object({ iccid: z.string(), code: z.string(), text: z.string() }));
const linesOf = z.object({ data: z.array(z.looseObject({ iccid: z.string() })) });
const outbox = z.array(z.object({ to: z.array(z.string()), subject: z.string(), text: z.string() }));
const bills = z.object({ data: z.array(z.looseObject({ rechargeId: z.string(), lineLastFour: z.string(), status: z.string() })) });

/** Somebody's app: over HTTP only. */
function appOf(url: string, token: string) {
  return async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) };
    const reply = await fetch(`${url}${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await reply.text();
    return { status: reply.status, body: text === "" ? undefined : (JSON.parse(text) as unknown) };
  };
}

async function tokenOf(url: string, query = ""): Promise<string> {
  return (await fetch(`${url}/local/token${query}`)).text();
}

/** Gives what there is as soon as there is something; fails when that takes too long. */
async function eventually<T>(what: string, find: () => Promise<T | undefined | false>): Promise<T> {
  const giveUpAt = performance.now() + WAIT_MILLISECONDS;
  while (performance.now() < giveUpAt) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    await sleep(100);
  }
  throw new Error(`It took too long until ${what}`);
}

describe("the life of a family line, on the local stack", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let stack: LocalProcess;
  let url: string;

  beforeAll(async () => {
    folder = temporaryFolder();
    stack = runLocal("start", ["--assembly", testAssembly(), "--state", join(folder.path, "state"), "--port", "0"]);
    url = String((await stack.until(/Ready at (\S+)/))[1]);
  }, TIMEOUT_MILLISECONDS);

  afterAll(async () => {
    await endLocal(stack, "SIGKILL");
    folder[Symbol.dispose]();
  });

  it(
    "is paid for by Ada when Lin agrees, and by Lin when she likes",
    async () => {
      const adaToken = await tokenOf(url);
      const [ada, adasHand] = [appOf(url, adaToken), new DemoSubscriber(url, adaToken)];
      const linToken = await tokenOf(url, "?user=lin");
      const [lin, linsHand] = [appOf(url, linToken), new DemoSubscriber(url, linToken)];
      const methodId = await adasHand.putTestCard("pm_card_visa");
      const rule = demoRule(iccid, methodId);
      /** What somebody agrees to who has read the preview. */
      const agreedBy = async (app: typeof ada, settings: object) => {
        const { body } = await app("POST", "/v1/rules/preview", settings);
        const { terms } = z.parse(z.object({ terms: z.object({ hash: z.string() }) }), body);
        return { ...settings, consent: { termsHash: terms.hash } };
      };
      const until = new Date(Date.now() + 100 * 24 * 60 * 60 * 1000).toISOString();
      const agreement = { until, lifetimeCap: money(100_000), consent: { termsVersion: "2026-11-28" } };

      // Without Lin it is no line of Ada's.
      expect((await ada("POST", "/v1/rules/preview", rule)).status).toBe(404);

      // A code comes to Lin's phone, who tells Ada.
      expect((await ada("POST", "/v1/family-lines", { iccid, language: "en" })).status).toBe(202);
      const [message] = z.parse(messages, await (await fetch(`${url}/local/carrier/messages`)).json());
      expect(message).toMatchObject({ iccid, text: expect.stringMatching(/^\d{6} is your code .* pay for the recharges of your line/) });
      const wrong = message?.code === "000000" ? "000001" : "000000";
      expect(await ada("PUT", `/v1/family-lines/${iccid}`, { ...agreement, code: wrong })).toMatchObject({ status: 422, body: { title: "wrong code" } });
      expect((await ada("PUT", `/v1/family-lines/${iccid}`, { ...agreement, code: message?.code })).status).toBe(200);

      // Ada's rule: never a target, which would tell Lin's balance.
      const target = { ...rule, topUp: { type: "target", target: money(5000) } };
      expect(await ada("POST", "/v1/rules/preview", target)).toMatchObject({ status: 422, body: { errors: [{ pointer: "/topUp/type" }] } });
      expect((await ada("POST", "/v1/rules", await agreedBy(ada, rule))).status).toBe(201);

      // Lin uses her line up; Ada is charged, and sees on which terms, but not what Lin has.
      await adasHand.setLine(iccid, { available: 937 });
      await adasHand.advance(16);
      const adasBills = async () => z.parse(bills, (await ada("GET", "/v1/recharges")).body).data.filter(({ lineLastFour }) => iccid.endsWith(lineLastFour));
      const bill = await eventually("Ada has the bill", async () => (await adasBills())[0]);
      expect(bill).toMatchObject({ status: "succeeded", charged: money(5000), family: { until, lifetimeCap: money(100_000), spent: money(0) } });
      expect(JSON.stringify(bill)).not.toMatch(/reading|937/);
      await eventually("it is booked", async () => JSON.stringify((await ada("GET", "/v1/family-lines")).body).includes('"spent":{"amount":5000'));
      const shown = z.parse(linesOf, (await ada("GET", "/v1/esims")).body).data.find((line) => line.iccid === iccid);
      expect(shown).toMatchObject({ balance: null, balanceReadAt: null, family: { spent: money(5000) }, rule: { status: { state: "active" } } });

      // Lin sees her line and its balance, and nothing of who pays; then she pays herself.
      const hers = z.parse(linesOf, (await lin("GET", "/v1/esims")).body).data;
      expect(hers).toMatchObject([{ iccid, rule: null, openRecharge: null, balance: money(5937) }]);
      expect((await lin("GET", `/v1/rules/${iccid}`)).status).toBe(404);
      expect(z.parse(bills, (await lin("GET", "/v1/recharges")).body).data).toEqual([]);
      const linsCard = await linsHand.saveTestCard("pm_card_visa");
      expect((await lin("POST", "/v1/rules", await agreedBy(lin, demoRule(iccid, linsCard)))).status).toBe(201);

      // Ada is told, pays no more, and the line is none of hers.
      await eventually("her rule is suspended", async () =>
        (await adasHand.timeline()).some((entry) => entry.what === "RuleSuspended" && entry.iccid === iccid),
      );
      expect((await ada("GET", `/v1/rules/${iccid}`)).status).toBe(404);
      expect(z.parse(linesOf, (await ada("GET", "/v1/esims")).body).data.map((line) => line.iccid)).not.toContain(iccid);
      await adasHand.setLine(iccid, { available: 900 });
      await adasHand.advance(61);
      const linsBill = await eventually("Lin has a bill", async () => z.parse(bills, (await lin("GET", "/v1/recharges")).body).data[0]);
      expect(linsBill).toMatchObject({ status: "succeeded", reading: { balance: money(900) } });
      expect(linsBill).not.toHaveProperty("family");
      expect(await adasBills()).toHaveLength(1);
      const ofLine = await eventually("both were written to", async () => {
        const found = z.parse(outbox, await (await fetch(`${url}/local/outbox`)).json()).filter(({ subject }) => subject.includes(iccid.slice(-4)));
        return found.length >= 3 && found;
      });
      expect(ofLine.map(({ to, subject }) => [to.join(), subject])).toEqual(
        expect.arrayContaining([
          ["ada@example.com", expect.stringContaining("recharged")],
          ["ada@example.com", expect.stringContaining("suspended")],
          ["lin@example.com", expect.stringContaining("recharged")],
        ]),
      );
      expect(JSON.stringify(ofLine)).not.toMatch(/9\.37|59\.37/);
      expect(stack.output()).not.toMatch(/function +error/);
    },
    TIMEOUT_MILLISECONDS,
  );
});
