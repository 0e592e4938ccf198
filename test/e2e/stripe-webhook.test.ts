import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { stripeClient } from "../../functions/adapters/stripe-payments.ts";
import { secrets } from "../../functions/contracts/environment.ts";
import { testAssembly } from "../assembly.ts";
import { endLocal, type LocalProcess, runLocal, temporaryFolder } from "./local-process.ts";
import { readTimeline } from "./main-job.ts";

const TIMEOUT_MILLISECONDS = 120_000;

describe("npm start, with the local Stripe", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let stack: LocalProcess;
  let url: string;
  const play = async (path: string, body: object): Promise<unknown> => (await fetch(`${url}${path}`, { method: "POST", body: JSON.stringify(body) })).json();

  beforeAll(async () => {
    folder = temporaryFolder();
    stack = runLocal("start", ["--assembly", testAssembly(), "--state", join(folder.path, "state"), "--port", "0"]);
    url = String((await stack.until(/Ready at (\S+)/))[1]);
  }, TIMEOUT_MILLISECONDS);

  afterAll(async () => {
    await endLocal(stack, "SIGKILL");
    folder[Symbol.dispose]();
  });

  /** Stripe as the stack's functions reach it: their secrets are in the state folder. */
  function stripe() {
    const kept = z.parse(z.record(z.string(), z.unknown()), JSON.parse(readFileSync(join(folder.path, "state/secrets.json"), "utf8")));
    const [access] = Object.values(kept).flatMap((secret) => secrets.stripe.safeParse(secret).data ?? []);
    if (access === undefined) throw new Error("The state folder has no secret of Stripe's");
    return { api: stripeClient(access), ...access };
  }

  it(
    "hears at once of a charge that the cardholder contests, and calls a person",
    async () => {
      await stack.until(/events +RuleSaved/);
      await play("/local/clock", { advanceMinutes: 16 }); // the draining line is low by then, and looked at
      await stack.until(/RechargeSucceeded/);
      const rechargeId = (await readTimeline(url)).find(({ what }) => what === "RechargeSucceeded")?.rechargeId;
      expect(await play("/local/stripe/disputes", { rechargeId, reason: "product_not_received" })).toMatchObject({
        object: "dispute",
        status: "needs_response",
      });
      await stack.until(/events +RechargeAdjusted/);
      await stack.until(/alarm +ALARM[^\n]*PaymentAdjusted[^\n]*contests a charge/);
      // At least once: several webhooks tell of it at the same moment.
      const told = (await readTimeline(url)).filter(({ what }) => what === "RechargeAdjusted");
      expect(new Set(told.map((entry) => entry.rechargeId))).toEqual(new Set([rechargeId]));
      // It was the webhook: nobody looks at an ended recharge on schedule.
      expect(stack.output()).not.toMatch(/function +error/);
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "takes every event that Stripe sends, and goes on taking them after a restart on another port",
    async () => {
      const { api, webhookSecrets } = stripe();
      const undelivered = async (of = api) => (await of.events.list({ limit: 100 })).data.filter(({ pending_webhooks }) => pending_webhooks > 0);
      while ((await undelivered()).length > 0) await sleep(200);
      expect(webhookSecrets).toHaveLength(1);

      await endLocal(stack);
      stack = runLocal("start", ["--assembly", testAssembly(), "--state", join(folder.path, "state"), "--port", "0"]);
      url = String((await stack.until(/Ready at (\S+)/))[1]);
      const again = stripe();
      expect(again.webhookSecrets).toEqual(webhookSecrets);
      const { data: endpoints } = await again.api.webhookEndpoints.list();
      expect(endpoints).toMatchObject([{ url: `${url}/webhooks/stripe` }]);
      const { data: disputes } = await again.api.disputes.list();
      await play(`/local/stripe/disputes/${disputes[0]?.id}`, { status: "won" });
      while ((await undelivered(again.api)).length > 0) await sleep(200);
      await stack.until(/events +RechargeAdjusted/);
    },
    TIMEOUT_MILLISECONDS,
  );
});
