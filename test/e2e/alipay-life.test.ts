import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { QUIET_LINE } from "../../local/demo-data.ts";
import { DemoSubscriber, good } from "../../local/demo-subscriber.ts";
import { testAssembly } from "../assembly.ts";
import { endLocal, runLocal, temporaryFolder } from "./local-process.ts";

const TIMEOUT_MILLISECONDS = 120_000;
const PATIENCE_MILLISECONDS = 60_000;
const POLL_MILLISECONDS = 250;
/** The cooldown, and a turn of the wheel. */
const UNTIL_SEEN_MINUTES = 76;
const { iccid } = QUIET_LINE;

describe("on a stage that Stripe allows recurring Alipay", () => {
  it(
    "an Alipay is authorised once, charged by itself when the line is low, stops its rule when its owner takes that back, and can be authorised anew",
    async () => {
      using folder = temporaryFolder();
      const assembly = join(folder.path, "cdk.out");
      cpSync(testAssembly(), assembly, { recursive: true });
      const file = join(assembly, "AutoRecharge-dev-Service.template.json");
      writeFileSync(file, readFileSync(file, "utf8").replace(/("REUSABLE_ALIPAY": ?)"off"/, '$1"on"'));

      const stack = runLocal("start", ["--assembly", assembly, "--state", join(folder.path, "state"), "--port", "0"]);
      try {
        const url = (await stack.until(/^Ready at (\S+)/m))[1] ?? "";
        const ada = async () => new DemoSubscriber(url, await (await fetch(`${url}/local/token`)).text());
        let seenUpTo = 0;
        const until = async (what: string) => {
          const giveUpAt = performance.now() + PATIENCE_MILLISECONDS;
          while (performance.now() < giveUpAt) {
            const found = (await (await ada()).timeline(seenUpTo)).find((entry) => entry.what === what && entry.iccid === iccid);
            if (found !== undefined) {
              seenUpTo = found.sequence;
              return;
            }
            await sleep(POLL_MILLISECONDS);
          }
          throw new Error(`${what} did not come:\n${stack.output()}`);
        };
        const becomesLow = async () => {
          await (await ada()).setLine(iccid, { available: 900 });
          await (await ada()).advance(UNTIL_SEEN_MINUTES);
        };
        const alipays = async () => good(await (await ada()).api.GET("/v1/payment-methods")).data.filter(({ type }) => type === "alipay");
        const billsOfLine = async () => (await (await ada()).bills()).filter(({ lineLastFour }) => iccid.endsWith(lineLastFour));

        const alipay = await (await ada()).saveAlipay();
        expect(await alipays()).toMatchObject([{ paymentMethodId: alipay, brand: "alipay", lastFour: "", asksEachTime: false }]);
        await (await ada()).saveRule(iccid, alipay);
        await becomesLow();
        await until("RechargeSucceeded");
        expect(await billsOfLine()).toMatchObject([{ status: "succeeded", charged: { amount: 5000 }, method: { id: alipay, brand: "alipay", lastFour: "" } }]);

        await (await ada()).revokeAtAlipay(alipay);
        await until("RuleSuspended");
        expect(await (await ada()).ruleStatus(iccid)).toMatchObject({ state: "suspended", reason: "payment-method-gone" });
        expect(await alipays()).toEqual([]);
        await becomesLow();

        const anew = await (await ada()).saveAlipay();
        await (await ada()).changeCard(iccid, anew);
        await (await ada()).resume(iccid);
        await until("RechargeSucceeded");
        expect((await billsOfLine()).map(({ method }) => method.id).toSorted()).toEqual([alipay, anew].toSorted());
      } finally {
        await endLocal(stack, "SIGKILL");
      }
    },
    TIMEOUT_MILLISECONDS,
  );
});
