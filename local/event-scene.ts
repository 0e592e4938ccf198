import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod/mini";
import { hmacPayLinks } from "../functions/adapters/hmac-pay-links.ts";
import { secrets } from "../functions/contracts/environment.ts";
import { TERMS_VERSION } from "../functions/domain/terms.ts";
import { instant, plusMinutes } from "../functions/domain/time.ts";
import type { IssuerUser } from "./cloud/issuer-users.ts";
import { DEMO_USER, DRAINING_LINE, demoRule, LIN_USER, LINS_LINE, QUIET_LINE } from "./demo-data.ts";
import { DemoSubscriber, good, Unexpected } from "./demo-subscriber.ts";
import { localSecret, localText, localTime, readRunning } from "./running-stack.ts";

/** What the event files are about: a subscriber in the middle of things, on a stack that has just been started. */

/** Of Ada's: it has one recharge that has ended, and one that waits for her. */
const RECHARGED_LINE = "8986012345678900066";
/** Of Lin's, who lets Ada pay for it. */
const SHARED_LINE = "8986012345678900074";

const LOW = 900;
const LONGEST_WAIT_SECONDS = 30;
const MINUTE = 60_000;

/** What the event files name and only this one stack knows; in them each stands in double braces. */
export const sceneValues = z.object({
  /** Ada's way to pay by default, one that nothing uses, and a card that she has entered at Stripe and not saved. */
  method: z.string(),
  spareMethod: z.string(),
  setupIntent: z.string(),
  /** The hashes of what Ada has agreed to, and of what she would agree to for her line without a rule. */
  agreedTerms: z.string(),
  newTerms: z.string(),
  endedRecharge: z.string(),
  endedPayment: z.string(),
  openRecharge: z.string(),
  openPayment: z.string(),
  /** The token of a link to the open one. */
  payLink: z.string(),
  /** What the carrier brought to Lin's line. */
  familyCode: z.string(),
  /** When Lin closed her account. */
  closedSince: z.string(),
});
export type SceneValues = z.infer<typeof sceneValues>;

export const SCENE_FILE = "scene.json";

const messages = z.array(z.object({ iccid: z.string(), code: z.string() }));
const newLine = (iccid: string, { sub, email }: IssuerUser) => ({ iccid, owner: { subscriberId: sub, email } });

/**
 * Sets the scene by the API and the controls of a fresh stack, and keeps the values beside its state.
 *
 * Ends five seconds after a full minute of the local clock: at real time no schedule comes in between for most of a minute.
 */
export async function setScene(
  { url, demo }: { readonly url: string; readonly demo: { readonly token: string; readonly methodId: string } },
  stateFolder: string,
): Promise<void> {
  const { key } = z.parse(secrets.payLink, localSecret(await readRunning(stateFolder), stateFolder, "PAY_LINK_SECRET_ARN"));
  const ada = new DemoSubscriber(url, demo.token);
  const { api } = ada;
  const method = demo.methodId;

  async function control(path: string, body?: object): Promise<unknown> {
    const answer = await fetch(`${url}/local/${path}`, body && { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Unexpected(`/local/${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }
  async function codeFor(iccid: string): Promise<string> {
    await api.POST("/v1/family-lines", { body: { iccid, language: "en" } });
    const brought = z.parse(messages, await control("carrier/messages")).findLast((message) => message.iccid === iccid);
    if (brought === undefined) throw new Unexpected(`The carrier brought no code to line ${iccid}`);
    return brought.code;
  }
  const termsFor = async (iccid: string) => good(await api.POST("/v1/rules/preview", { body: demoRule(iccid, method) })).terms.hash;
  async function rechargeNow(wish: string) {
    const body = { iccid: RECHARGED_LINE, amount: { amount: 5000, currency: "CNY" }, paymentMethodId: method };
    const { rechargeId } = good(await api.POST("/v1/recharges", { body, params: { header: { "Idempotency-Key": wish } } }));
    const clientSecret = await until(async () => {
      const recharge = await ada.recharge(rechargeId);
      return "action" in recharge ? recharge.action?.clientSecret : undefined;
    }, "waits for Ada");
    return { rechargeId, clientSecret, paymentIntentId: clientSecret.split("_secret_")[0] ?? "" };
  }

  for (const line of [newLine(RECHARGED_LINE, DEMO_USER), newLine(SHARED_LINE, LIN_USER)]) await control("lines", line);
  await ada.saveRule(QUIET_LINE.iccid, method);
  const spareMethod = await ada.putTestCard("pm_card_mastercard");
  const { setupIntentId, clientSecret } = good(await api.POST("/v1/payment-methods/setup-intents"));
  await ada.payAs(clientSecret, "pm_card_unionpay");

  const ended = await rechargeNow("wish-that-ended");
  await ada.payAs(ended.clientSecret, "pm_card_visa");
  await until(async () => ((await ada.recharge(ended.rechargeId)).status === "succeeded" ? true : undefined), "has succeeded");
  const open = await rechargeNow("wish-that-waits");
  const links = hmacPayLinks({ keys: async () => ({ key }), apiUrl: url });
  const now = instant((await localTime({ url })).now);
  const link = await links.urlFor({ rechargeId: open.rechargeId, expiresAt: plusMinutes(now, 60) });

  const consent = { termsVersion: TERMS_VERSION } as const;
  const grant = { code: await codeFor(SHARED_LINE), until: plusMinutes(now, 30 * 24 * 60), lifetimeCap: { amount: 50_000, currency: "CNY" }, consent };
  good(await api.PUT("/v1/family-lines/{iccid}", { params: { path: { iccid: SHARED_LINE } }, body: grant }));

  const lin = new DemoSubscriber(url, await localText({ url }, "token?user=lin"));
  const { closing } = good(await lin.api.DELETE("/v1/me"));

  const values: SceneValues = {
    method,
    spareMethod,
    setupIntent: setupIntentId,
    agreedTerms: await termsFor(QUIET_LINE.iccid),
    newTerms: await termsFor(DRAINING_LINE.iccid),
    endedRecharge: ended.rechargeId,
    endedPayment: ended.paymentIntentId,
    openRecharge: open.rechargeId,
    openPayment: open.paymentIntentId,
    payLink: link.split("/").at(-1) ?? "",
    familyCode: await codeFor(LINS_LINE.iccid),
    closedSince: closing.since,
  };
  const { now: ready } = await localTime({ url });
  await ada.advance((MINUTE - (ready % MINUTE) + 5000) / MINUTE);
  await ada.setLine(QUIET_LINE.iccid, { available: LOW });
  writeFileSync(join(stateFolder, SCENE_FILE), JSON.stringify(values, null, 2));
}

async function until<Found>(look: () => Promise<Found | undefined>, what: string): Promise<Found> {
  const deadline = performance.now() + LONGEST_WAIT_SECONDS * 1000;
  while (performance.now() < deadline) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Unexpected(`There is no recharge that ${what} within ${LONGEST_WAIT_SECONDS} s`);
}
