import { createHmac } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import * as z from "zod/mini";
import { SECURITY_HEADERS } from "../../functions/api/pipeline.ts";
import { rechargeMessage } from "../../functions/contracts/messages.ts";
import { STRIPE_EVENT_TYPES } from "../../functions/contracts/stripe-events.ts";
import type { Poke } from "../../functions/domain/ports.ts";
import { idOf } from "../../local/stripe/stripe-objects.ts";
import { NOW } from "../builders.ts";
import { aQuickStripe, refusalOf } from "../local/local-stripe.ts";
import { problemIn, STAGE, stripeSignature as signature, WEBHOOK_SECRET } from "./api-world.ts";
import { stripeWebhookWorld } from "./stripe-webhook-world.ts";

const NOW_SECONDS = Date.parse(NOW) / 1000;
const RECHARGE_ID = "8a4f2b1e-0c3d-4e5f-8a9b-0c1d2e3f4a5b";
const OURS = { rechargeId: RECHARGE_ID, stage: STAGE };
const PAYMENT: Poke = { paymentIntentId: "pi_1", rechargeId: RECHARGE_ID };

/** An event as Stripe writes it, shortened to what anybody reads. */
function eventText(type: string, object: object): string {
  return JSON.stringify({ id: "evt_1", object: "event", api_version: "2026-01-01", created: NOW_SECONDS, data: { object }, livemode: false, type });
}

const paid = (changes: object = {}) => eventText("payment_intent.succeeded", { id: "pi_1", object: "payment_intent", metadata: OURS, ...changes });

const refused = { status: 400, code: "not-from-stripe", detail: "Nothing shows that Stripe has just sent this", errors: [] };

describe("a webhook that Stripe signed", () => {
  it("is answered when the queue has the poke, without a word", async () => {
    const { postSigned, pokes, logged } = stripeWebhookWorld();
    expect(await postSigned(paid())).toEqual({ status: 200, headers: SECURITY_HEADERS, body: undefined });
    expect([pokes, logged]).toEqual([[PAYMENT], []]);
  });

  it("is read byte by byte as it came, also where the gateway took it for binary", async () => {
    const text = `${paid({ description: "充值 CNY 50 ✓" })}\n`;
    const { post, pokes } = stripeWebhookWorld();
    const sent = { body: Buffer.from(text).toString("base64"), isBase64Encoded: true, headers: { "stripe-signature": signature(text) } };
    expect((await post(sent)).status).toBe(200);
    expect(pokes).toEqual([PAYMENT]);
  });

  it("is taken for five minutes, by our clock, and for as long before its time", async () => {
    for (const late of [-300, -1, 0, 299, 300]) {
      const { postSigned, pokes } = stripeWebhookWorld();
      await postSigned(paid(), signature(paid(), { at: NOW_SECONDS - late }));
      expect([late, pokes]).toEqual([late, [PAYMENT]]);
    }
  });

  it.each([301, -301, 3600, -3600, NOW_SECONDS])("is refused when it was signed %d s ago", async (late) => {
    const { postSigned, pokes, logged } = stripeWebhookWorld();
    expect(problemIn(await postSigned(paid(), signature(paid(), { at: NOW_SECONDS - late || 1 })))).toEqual(refused);
    expect([pokes, logged]).toEqual([[], ["webhook-refused"]]);
  });

  it("is taken with either secret while one takes the other's place, also when it is signed with both", async () => {
    const secrets = ["whsec_new", "whsec_old"];
    const [byNew = "", byOld = ""] = secrets.map((secret) => signature(paid(), { secret }));
    const { postSigned, pokes } = stripeWebhookWorld({ secrets });
    for (const header of [byNew, byOld, `${byNew},${byOld.split(",")[1]}`, `${byOld},${byNew.split(",")[1]}`]) await postSigned(paid(), header);
    expect(pokes).toEqual([PAYMENT, PAYMENT, PAYMENT, PAYMENT]);
    expect(problemIn(await postSigned(paid(), signature(paid(), { secret: "whsec_older" })))).toEqual(refused);
  });

  it("is sent again by Stripe when the queue did not take the poke", async () => {
    const { postSigned, logged } = stripeWebhookWorld({ sendPokes: () => Promise.reject(new Error("SQS refused 1 messages: InternalError")) });
    const answer = await postSigned(paid());
    expect([problemIn(answer).code, answer.status, answer.headers["retry-after"]]).toEqual(["try-again", 503, "5"]);
    expect(logged).toEqual(["request-failed"]);
  });

  it("cannot be verified, and so waits at Stripe, while nobody has written the secret", async () => {
    const { postSigned, pokes, logged } = stripeWebhookWorld({ secrets: undefined });
    expect(problemIn(await postSigned(paid()))).toMatchObject({ status: 503, code: "webhooks-not-set-up" });
    expect([pokes, logged]).toEqual([[], ["request-failed"]]);
  });

  it.each([
    ["is no JSON", "paid"],
    ["ends in the middle", paid().slice(0, -1)],
    ["is no object", "[]"],
    ["is nothing", "null"],
    ["has no type", "{}"],
    ["has a type that is no text", '{"type":["payment_intent.succeeded"]}'],
    ["tells of nothing", '{"type":"payment_intent.succeeded"}'],
    ["tells of a payment without its id", paid({ id: undefined })],
    ["tells of another kind of object than its type says", paid({ object: "charge" })],
    ["has an id in another form than Stripe's", paid({ id: "pi_1/../refunds" })],
    ["has metadata that is a text", paid({ metadata: "stage" })],
  ])("is refused loudly when it %s", async (_, text) => {
    const { postSigned, pokes, logged } = stripeWebhookWorld();
    expect(problemIn(await postSigned(text))).toMatchObject({ status: 400, code: "unreadable-event" });
    expect([pokes, logged]).toEqual([[], ["webhook-unreadable"]]);
  });
});

describe("a webhook that is not Stripe's", () => {
  const [time = "", hash = ""] = signature(paid()).split(",");
  const [body, scheme] = [paid(), hash.slice(0, 3)];

  it.each<[string, string | undefined, string]>([
    ["nothing in it", undefined, signature("")],
    ["an empty body", "", signature("")],
    ["no signature", body, ""],
    ["another's signature", body, signature(body, { secret: "whsec_other" })],
    ["the signature of an empty secret", body, signature(body, { secret: " " })],
    ["the signature of another event", body, signature(paid({ id: "pi_2" }))],
    ["a time only", body, time],
    ["a hash only", body, hash],
    ["another scheme", body, `${time},v0=${hash.slice(3)}`],
    ["the hash of another time", body, `t=${NOW_SECONDS - 1},${hash}`],
    ["a second time, for which it is signed", body, `${time},${signature(body, { at: NOW_SECONDS + 999 })}`],
    ["a second time", body, `t=${NOW_SECONDS + 999_999},${time},${hash}`],
    ["a time with something behind it", body, `${time}x,${hash}`],
    ["a time with zeros before it", body, `t=0${NOW_SECONDS},${hash}`],
    ["a hash in capitals", body, `${time},${scheme}${hash.slice(3).toUpperCase()}`],
    ["half a hash", body, `${time},${hash.slice(0, 35)}`],
    ["NUL in the signature", body, `${time},\u0000${hash}`],
    ["a space behind the body", `${body} `, `${time},${hash}`],
    ["a byte order mark before the body", `\uFEFF${body}`, `${time},${hash}`],
  ])("is refused with %s, without a word on what was wrong", async (_, text, header) => {
    const { post, pokes, logged } = stripeWebhookWorld();
    expect(problemIn(await post({ body: text, headers: { "stripe-signature": header } }))).toEqual(refused);
    expect([pokes, logged]).toEqual([[], ["webhook-refused"]]);
  });

  it("is refused without the header", async () => {
    const { post, pokes } = stripeWebhookWorld();
    expect(problemIn(await post({ body }))).toEqual(refused);
    expect(pokes).toEqual([]);
  });

  it("is not even looked at when it is larger than 256 KB, however it is signed", async () => {
    const { postSigned, post, pokes, logged } = stripeWebhookWorld();
    const fits = paid({ description: "x".repeat(256 * 1024 - paid({ description: "" }).length) });
    expect((await postSigned(fits)).status).toBe(200);
    const huge = `${fits} `;
    const encoded = { body: Buffer.from(huge).toString("base64"), isBase64Encoded: true, headers: { "stripe-signature": signature(huge) } };
    for (const answer of [await postSigned(huge), await post(encoded)]) expect(problemIn(answer)).toMatchObject({ status: 413, code: "body-too-large" });
    expect([pokes, logged]).toEqual([[PAYMENT], []]);
  });

  it("is refused in each of 10,000 variations of a good one, and taken in those alone that Stripe could have signed", async () => {
    const secrets = [WEBHOOK_SECRET, "whsec_old"];
    const { post, pokes } = stripeWebhookWorld({ secrets });
    const counts = new Map<string, { tried: number; taken: number }>();
    const wrong: string[] = [];
    await fc.assert(
      fc.asyncProperty(fc.oneof(oneCharacterOff, oneCharacterOffHeader, otherStructure), async ({ kind, text, header }) => {
        const { status } = await post({ body: text, headers: { "stripe-signature": header } });
        const mayBeTaken = isSignedAsStripeDoes(text, header, secrets);
        const isRight = status === 200 ? mayBeTaken : status === 400 && !(mayBeTaken && isLegible(header));
        if (!isRight) wrong.push(`${status} for ${header} before ${text}`);
        const { tried, taken } = counts.get(kind) ?? { tried: 0, taken: 0 };
        counts.set(kind, { tried: tried + 1, taken: taken + (status === 200 ? 1 : 0) });
      }),
      { seed: 20_261_123, numRuns: 10_000 },
    );
    expect(wrong.slice(0, 10)).toEqual([]);
    const taken = [...counts].map(([kind, each]) => `${kind}: ${each.taken} of ${each.tried} taken`);
    console.log(`webhooks with a signature that was changed: ${taken.join("; ")}`);
    expect(counts.get("another body, time or hash")?.taken).toBe(0);
    // A header with more in it than one signature may well be good; most are not.
    const structures = counts.get("another structure") ?? { tried: 0, taken: 0 };
    expect(structures.taken).toBeGreaterThan(50);
    expect(structures.taken).toBeLessThan(structures.tried / 4);
    expect(pokes).toHaveLength([...counts.values()].reduce((sum, each) => sum + each.taken, 0));
  });

  it.each([
    ["both secrets sign", (byNew: string, byOld: string) => `${time},v1=${byNew},v1=${byOld}`],
    ["the old secret signs first", (byNew: string, byOld: string) => `${time},v1=${byOld},v1=${byNew}`],
    ["one of the signatures is of a secret that we do not know any more", (byNew: string) => `${time},v1=${"0".repeat(64)},v1=${byNew}`],
    ["the old secret alone signs", (_: string, byOld: string) => `${time},v1=${byOld}`],
    ["test mode adds a signature of the older scheme", (byNew: string) => `${time},v1=${byNew},v0=${byNew}`],
    ["a scheme comes that we do not know", (byNew: string) => `${time},v2=${byNew},v1=${byNew}`],
    ["the time comes last", (byNew: string) => `v1=${byNew},${time}`],
  ])("is none when %s: that is taken", async (_, headerOf) => {
    const { postSigned, pokes } = stripeWebhookWorld({ secrets: ["whsec_new", "whsec_old"] });
    const header = headerOf(hashOf(body, NOW_SECONDS, "whsec_new"), hashOf(body, NOW_SECONDS, "whsec_old"));
    expect([(await postSigned(body, header)).status, pokes]).toEqual([200, [PAYMENT]]);
  });

  it("is refused when its signature came in two headers, which the gateway joins", async () => {
    const { postSigned, pokes } = stripeWebhookWorld();
    const [good, other] = [signature(body), signature(body, { at: NOW_SECONDS - 1 })];
    for (const header of [`${good},${good}`, `${good},${other}`, `${other},${good}`]) expect(problemIn(await postSigned(body, header))).toEqual(refused);
    expect(pokes).toEqual([]);
  });
});

function hashOf(text: string, at: number | string, secret: string): string {
  return createHmac("sha256", secret).update(`${at}.${text}`).digest("hex");
}

/**
 * Stripe's scheme as it describes it, done by hand: one time, at most five minutes away, with which and with one of the secrets the body is signed.
 *
 * Stricter than Stripe in one thing: a time that comes twice, or not as plain digits, is none. Source: https://docs.stripe.com/webhooks#verify-manually
 */
function isSignedAsStripeDoes(text: string, header: string, secrets: readonly string[]): boolean {
  const pairs = header.split(",").map((element) => element.split("="));
  const [time = "", ...otherTimes] = pairs.flatMap(([prefix, value = ""]) => (prefix === "t" ? [value] : []));
  if (otherTimes.length > 0 || !/^[1-9][0-9]*$/.test(time) || Math.abs(Number(time) - NOW_SECONDS) > 300) return false;
  const good = new Set(secrets.map((secret) => hashOf(text, time, secret)));
  return pairs.some(([prefix, value = ""]) => prefix === "v1" && good.has(value));
}

/** Whether all its signatures look like some. One that cannot be may spoil the others: Stripe sends none such. */
function isLegible(header: string): boolean {
  return header
    .split(",")
    .filter((element) => /^v1(=|$)/.test(element))
    .every((element) => /^v1=[0-9a-f]+$/i.test(element));
}

interface SentText {
  readonly kind: string;
  readonly text: string;
  readonly header: string;
}

const ODD_CHARACTERS = fc.constantFrom(...'0123456789abcdefvtxyzA{}"[]: \t,;=.é\u0000\u0661\uFF11'.split(""));

/** One character of a text is another one, or missing, or one too many. */
function oneCharacterOffIn(text: string): fc.Arbitrary<string> {
  return fc
    .record({ index: fc.nat(text.length - 1), how: fc.constantFrom("replace", "insert", "drop"), what: ODD_CHARACTERS })
    .map(({ index, how, what }) => text.slice(0, index) + (how === "drop" ? "" : what) + text.slice(how === "insert" ? index : index + 1))
    .filter((changed) => changed !== text);
}

const GOOD_HASH = hashOf(paid(), NOW_SECONDS, WEBHOOK_SECRET);

const oneCharacterOff: fc.Arbitrary<SentText> = fc
  .oneof(
    oneCharacterOffIn(paid()).map((text) => ({ text, header: signature(paid()) })),
    oneCharacterOffIn(String(NOW_SECONDS)).map((time) => ({ text: paid(), header: `t=${time},v1=${GOOD_HASH}` })),
    oneCharacterOffIn(GOOD_HASH)
      // What follows another "=" is no part of the value, to Stripe as to us.
      .filter((hash) => hash.split(/[=,]/)[0] !== GOOD_HASH)
      .map((hash) => ({ text: paid(), header: `t=${NOW_SECONDS},v1=${hash}` })),
  )
  .map((sent) => ({ kind: "another body, time or hash", ...sent }));

const oneCharacterOffHeader: fc.Arbitrary<SentText> = oneCharacterOffIn(signature(paid())).map((header) => ({
  kind: "another character anywhere in the header",
  text: paid(),
  header,
}));

/** Any elements in any order, some of them right. */
const otherStructure: fc.Arbitrary<SentText> = (() => {
  const now = String(NOW_SECONDS);
  const time = fc.oneof(
    { weight: 4, arbitrary: fc.constant(now) },
    fc.constantFrom(
      String(NOW_SECONDS - 299),
      String(NOW_SECONDS - 301),
      String(NOW_SECONDS + 301),
      "0",
      "",
      `0${now}`,
      `${now}.0`,
      ` ${now}`,
      `+${now}`,
      `${now}000`,
    ),
    fc.constantFrom(inDigitsFrom(now, 0x0660), inDigitsFrom(now, 0xff10), `${now}e0`, "NaN", "Infinity", `[${now}]`),
  );
  const hash = fc.oneof(
    { weight: 4, arbitrary: fc.constant(GOOD_HASH) },
    {
      weight: 2,
      arbitrary: fc
        .record({
          of: fc.constantFrom(paid(), paid({ id: "pi_2" }), "", `${paid()} `),
          at: fc.constantFrom(now, String(NOW_SECONDS - 299), String(NOW_SECONDS - 301), "NaN", ""),
          secret: fc.constantFrom(WEBHOOK_SECRET, "whsec_old", "whsec_other", "", "undefined"),
        })
        .map(({ of, at, secret }) => hashOf(of, at, secret)),
    },
    fc.nat(63).map((length) => GOOD_HASH.slice(0, length)),
    fc.constantFrom(
      GOOD_HASH.toUpperCase(),
      `${GOOD_HASH}${GOOD_HASH}`,
      `${GOOD_HASH}=`,
      ` ${GOOD_HASH}`,
      `${GOOD_HASH} `,
      `"${GOOD_HASH}"`,
      `["${GOOD_HASH}"]`,
    ),
    fc.constantFrom(inDigitsFrom(GOOD_HASH, 0x0660), inDigitsFrom(GOOD_HASH, 0xff10), Buffer.from(GOOD_HASH, "hex").toString("base64"), "", "[object Object]"),
  );
  const element = fc.oneof(
    fc.tuple(fc.oneof({ weight: 5, arbitrary: fc.constant("t") }, fc.constantFrom("T", " t", "t ", "t[]", "v1")), time),
    {
      weight: 2,
      arbitrary: fc.tuple(
        fc.oneof({ weight: 5, arbitrary: fc.constant("v1") }, fc.constantFrom("v0", "v2", "V1", " v1", "v1 ", "v1[]", "v11", "v", "t")),
        hash,
      ),
    },
    fc.constantFrom<[string, string]>(["", ""], ["t", ""], ["v1", ""], ["scheme", "v1"], ["__proto__", "1"]),
  );
  const header = fc
    .record({
      elements: fc.array(
        fc
          .tuple(element, fc.oneof({ weight: 6, arbitrary: fc.constant("=") }, fc.constantFrom(":", "==", " = ", "")))
          .map(([[prefix, value], sign]) => prefix + sign + value),
        { maxLength: 5 },
      ),
      hasGoodTime: fc.boolean(),
      separator: fc.oneof({ weight: 6, arbitrary: fc.constant(",") }, fc.constantFrom(", ", ";", " ", ",,", "&", "\n")),
      wrap: fc.oneof({ weight: 6, arbitrary: fc.constant(["", ""]) }, fc.constantFrom(["[", "]"], ['"', '"'], [" ", " "], [",", ","], ["", "\u0000"])),
    })
    .map(
      ({ elements, hasGoodTime, separator, wrap: [before = "", after = ""] }) =>
        before + [...(hasGoodTime ? [`t=${now}`] : []), ...elements].join(separator) + after,
    );
  return fc.record({
    kind: fc.constant("another structure"),
    text: fc.oneof({ weight: 4, arbitrary: fc.constant(paid()) }, fc.constantFrom(paid({ id: "pi_2" }), "")),
    header,
  });
})();

/** The same digits in another script: Arabic from U+0660 on, of full width from U+FF10. */
function inDigitsFrom(text: string, zero: number): string {
  return text.replaceAll(/[0-9]/g, (digit) => String.fromCharCode(zero + Number(digit)));
}

describe("an event", () => {
  /** What is poked for it. */
  async function pokesFor(text: string): Promise<readonly Poke[]> {
    const { postSigned, pokes } = stripeWebhookWorld();
    expect((await postSigned(text)).status).toBe(200);
    for (const poke of pokes) expect(z.safeParse(rechargeMessage, JSON.parse(JSON.stringify(poke))).success).toBe(true);
    return pokes;
  }

  it.each([
    ["that nobody listens to", eventText("customer.created", { id: "cus_1", object: "customer" })],
    ["of a type that does not exist yet", eventText("payment_method.expiring", { id: "pm_1", object: "payment_method" })],
    ["with a name that every object has", eventText("constructor", {})],
    ["of the other, thin kind", JSON.stringify({ id: "evt_1", object: "v2.core.event", type: "v1.billing.meter.no_meter_found", related_object: null })],
    ["of another stage's payment", paid({ metadata: { ...OURS, stage: "prod" } })],
    ["of a payment that is none of ours", paid({ metadata: {} })],
    ["of a card that somebody saved before there were PaymentMethods", eventText("payment_method.updated", { id: "card_1", object: "payment_method" })],
    ["of a charge without a PaymentIntent", eventText("charge.refunded", { id: "ch_1", object: "charge", payment_intent: null, metadata: {} })],
    ["of another stage's refund", eventText("refund.created", { id: "re_1", object: "refund", payment_intent: "pi_1", metadata: { ...OURS, stage: "prod" } })],
  ])("%s is left alone", async (_, text) => expect(await pokesFor(text)).toEqual([]));

  it("of a payment of ours whose recharge is not readable says the payment only", async () => {
    for (const rechargeId of [undefined, "", "bill#1", "x".repeat(65)])
      expect(await pokesFor(paid({ metadata: { ...OURS, rechargeId } }))).toEqual([{ paymentIntentId: "pi_1" }]);
  });

  it("of what was made in Stripe's dashboard says the payment only: nothing there tells the stage", async () => {
    for (const metadata of [{}, null, undefined, { rechargeId: RECHARGE_ID }])
      expect(await pokesFor(eventText("refund.created", { id: "re_1", object: "refund", payment_intent: "pi_1", metadata }))).toEqual([
        { paymentIntentId: "pi_1" },
      ]);
  });
});

/** The local Stripe, in which something happens; all that it tells of is delivered to the function. */
async function aStripeThatTells() {
  const local = aQuickStripe();
  const { secret = "" } = await local.stripe.webhookEndpoints.create({ url: "https://example.com/webhooks/stripe", enabled_events: STRIPE_EVENT_TYPES });
  const { post, pokes } = stripeWebhookWorld({ secrets: [secret], now: () => local.clock.now });
  const told: { readonly type: string; readonly poke: Poke | undefined }[] = [];

  async function deliver(): Promise<void> {
    for (const { id, headers, body } of local.model.dueDeliveries()) {
      const before = pokes.length;
      const { status } = await post({ body, headers });
      local.model.delivered(id, status);
      told.push({ type: z.parse(z.object({ type: z.string() }), JSON.parse(body)).type, poke: pokes[before] });
    }
  }

  /** A PaymentIntent of CNY 50 of our stage, with this card, as the recharge makes them. */
  async function ours(card: string) {
    const own = await local.saved(card);
    return local.stripe.paymentIntents.create({ ...own, amount: 5000, currency: "cny", metadata: OURS });
  }
  async function oursPaid(): Promise<string> {
    const { id } = await ours("pm_card_visa");
    await local.stripe.paymentIntents.confirm(id, { off_session: true });
    return id;
  }
  return { ...local, deliver, ours, oursPaid, told };
}

type World = Awaited<ReturnType<typeof aStripeThatTells>>;

const payment = (paymentIntentId: string): Poke => ({ paymentIntentId, rechargeId: RECHARGE_ID });
const paymentOnly = (paymentIntentId: string): Poke => ({ paymentIntentId });

/** How each event comes about; gives what it is to poke. */
const CAUSES: { readonly [type: string]: (world: World) => Promise<Poke> } = {
  "payment_intent.succeeded": async ({ oursPaid }) => payment(await oursPaid()),
  "payment_intent.payment_failed": async ({ stripe, ours }) => {
    const { id } = await ours("pm_card_chargeDeclined");
    await refusalOf(stripe.paymentIntents.confirm(id, { off_session: true }));
    return payment(id);
  },
  "payment_intent.canceled": async ({ stripe, ours }) => {
    const { id } = await ours("pm_card_visa");
    await stripe.paymentIntents.cancel(id);
    return payment(id);
  },
  "payment_intent.processing": async ({ model, oursPaid }) => {
    model.chooseNext("processing");
    return payment(await oursPaid());
  },
  "payment_intent.requires_action": async ({ stripe, ours }) => {
    const { id } = await ours("pm_card_threeDSecure2Required");
    await stripe.paymentIntents.confirm(id, { return_url: "https://example.com/" });
    return payment(id);
  },
  "charge.refunded": async ({ stripe, oursPaid }) => {
    const id = await oursPaid();
    await stripe.refunds.create({ payment_intent: id });
    return payment(id); // a charge has its PaymentIntent's metadata
  },
  "refund.created": async ({ stripe, oursPaid }) => {
    const id = await oursPaid();
    await stripe.refunds.create({ payment_intent: id, metadata: OURS });
    return payment(id);
  },
  "refund.updated": async ({ stripe, model, clock, oursPaid }) => {
    const id = await oursPaid();
    model.chooseNext("pending", "refund");
    await stripe.refunds.create({ payment_intent: id, metadata: OURS });
    clock.now += 60_000;
    return payment(id);
  },
  "refund.failed": async ({ stripe, model, clock, oursPaid }) => {
    const id = await oursPaid();
    model.chooseNext("fail-later", "refund");
    await stripe.refunds.create({ payment_intent: id });
    clock.now += 60_000;
    return paymentOnly(id);
  },
  "charge.dispute.created": async ({ model, oursPaid }) => {
    const id = await oursPaid();
    model.dispute(id, { reason: "fraudulent" });
    return paymentOnly(id);
  },
  "charge.dispute.closed": async ({ model, oursPaid }) => {
    const id = await oursPaid();
    model.closeDispute(model.dispute(id, { reason: "fraudulent" }).id, "lost");
    return paymentOnly(id);
  },
  "payment_method.detached": async ({ stripe, saved }) => {
    const { payment_method } = await saved("pm_card_visa");
    await stripe.paymentMethods.detach(payment_method);
    return { paymentMethodId: payment_method };
  },
  "mandate.updated": async ({ stripe, model }) => {
    const { id: customer } = await stripe.customers.create();
    const { client_secret } = await stripe.setupIntents.create({ customer, allowed_payment_method_types: ["alipay"] });
    const { id } = model.confirmSetupAsCustomer(client_secret ?? "", "alipay");
    const paymentMethodId = idOf(model.authenticateSetup(id, "succeed").payment_method) ?? "";
    model.revoke(paymentMethodId);
    return { paymentMethodId };
  },
  "payment_method.updated": async ({ stripe, saved }) => {
    const { payment_method } = await saved("pm_card_visa");
    await stripe.paymentMethods.update(payment_method, { billing_details: { name: "Ada" } });
    return { paymentMethodId: payment_method };
  },
  "payment_method.automatically_updated": async ({ model, saved }) => {
    const { payment_method } = await saved("pm_card_visa");
    model.updateCard(payment_method, { expMonth: 1, expYear: 2032, lastFour: "1881" });
    return { paymentMethodId: payment_method };
  },
};

describe("what happens at Stripe", () => {
  it("is all listened to", () => {
    // The local Stripe has no evidence to submit, which is what updates a dispute.
    expect([...Object.keys(CAUSES), "charge.dispute.updated"].toSorted()).toEqual(STRIPE_EVENT_TYPES.toSorted());
  });

  it.each(Object.entries(CAUSES))("is poked for: %s", async (type, cause) => {
    const world = await aStripeThatTells();
    const poke = await cause(world);
    await world.deliver();
    expect(world.told.filter((each) => each.type === type)).toEqual([{ type, poke }]);
    expect(world.model.dueDeliveries()).toEqual([]);
  });

  it("to a dispute in between is poked for, too", async () => {
    const { postSigned, pokes } = stripeWebhookWorld();
    await postSigned(eventText("charge.dispute.updated", { id: "du_1", object: "dispute", payment_intent: "pi_1", metadata: {} }));
    expect(pokes).toEqual([{ paymentIntentId: "pi_1" }]);
  });

  it("is taken with the old and the new secret while the endpoint's is rolled", async () => {
    const local = aQuickStripe();
    const url = "https://example.com/webhooks/stripe";
    const { id, secret: old = "" } = await local.stripe.webhookEndpoints.create({ url, enabled_events: STRIPE_EVENT_TYPES });
    const rolled = local.model.rollWebhookSecret(id, 24);
    const { payment_method } = await local.saved("pm_card_visa");
    await local.stripe.paymentMethods.detach(payment_method);
    const [delivery] = local.model.dueDeliveries();
    if (delivery === undefined) throw new Error("Stripe was to tell of it");
    for (const secrets of [[old], [rolled], [rolled, old]]) {
      const { post, pokes } = stripeWebhookWorld({ secrets, now: () => local.clock.now });
      await post(delivery);
      expect(pokes).toEqual([{ paymentMethodId: payment_method }]);
    }
  });
});
