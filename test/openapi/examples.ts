import * as z from "zod/mini";
import { codeHash } from "../../functions/api/family/code-hash.ts";
import { apiDocsRoutes } from "../../functions/contracts/api-docs.ts";
import type { Example, Examples } from "../../functions/contracts/openapi.ts";
import { paymentMethodReply, setupIntentReply } from "../../functions/contracts/payment-methods.ts";
import { PROBLEM_PREFIX } from "../../functions/contracts/problems.ts";
import { type PUBLIC_OPERATIONS, PUBLIC_ROUTES, ROUTES, type SUBSCRIBER_OPERATIONS } from "../../functions/contracts/routes.ts";
import { CallerUnknown } from "../../functions/domain/ports.ts";
import { applyMove } from "../../functions/domain/recharge.ts";
import { plusMinutes } from "../../functions/domain/time.ts";
import {
  type ApiCall,
  type ApiPorts,
  type ApiWorld,
  CODE,
  newRule,
  previewSettings,
  ruleSettingsBody,
  STRANGERS_ICCID,
  silentCarrier,
  strangersLine,
  withOpenRecharge,
} from "../api/api-world.ts";
import { GOOD, GOOD_PUBLIC, goodCallOf, knownCaller, linkToken } from "../api/good-calls.ts";
import { cny, esimWithRule, luhnCheckDigit, METHOD, NOW, OTHER_ICCID, SUBSCRIBER } from "../builders.ts";

/** The examples of the OpenAPI document: calls that are made, in process, and what is really answered. */

interface Story {
  /** What it shows; unlike the operation's others. */
  readonly says: string;
  /** What is called, in a world of a known caller that it may change before. */
  readonly call: (world: ApiWorld) => ApiCall | Promise<ApiCall>;
  readonly changes?: Partial<ApiPorts>;
}

/** All but what gives the document itself. */
type OperationName = Exclude<keyof typeof SUBSCRIBER_OPERATIONS | keyof typeof PUBLIC_OPERATIONS, keyof typeof apiDocsRoutes>;

const unknownCaller: Partial<ApiPorts> = { identity: { whoIs: () => Promise.reject(new CallerUnknown("The issuer does not say who holds this token")) } };
const clientSecrets: Partial<ApiPorts> = { payments: async () => ({ clientSecret: async (id) => `${id}_secret_1` }) };
const NOBODYS_ICCID = `898601234567890999${luhnCheckDigit("898601234567890999")}`;
const OTHER_TERMS = "B".repeat(43);
const preview = GOOD["POST /v1/rules/preview"];
const putFamilyLine = GOOD["PUT /v1/family-lines/{iccid}"];
const setUse = GOOD["PATCH /v1/payment-methods/{paymentMethodId}"];
const otherRule = `/v1/rules/${OTHER_ICCID}`;
const oldVersion = { headers: { "if-match": '"7"' } };
const resume = { ...GOOD["PATCH /v1/rules/{iccid}"], body: { status: "active" } };
const rechargeNow = GOOD["POST /v1/recharges"];
const addCard = GOOD["POST /v1/payment-methods"];
const beginAlipay = GOOD["POST /v1/payment-methods/setup-intents/alipay"];

async function forgetCaller({ ports }: ApiWorld): Promise<void> {
  await ports.subscribers.putProfile({ subscriberId: SUBSCRIBER });
}

async function fillWallet({ ports }: ApiWorld): Promise<void> {
  for (let i = 0; i < 20; i++) await ports.subscribers.putMethod(SUBSCRIBER, { ...METHOD, id: `pm_${i}`, cardKey: `fp_${i}` });
}

/** The setup of a card, as far as its owner's browser got with it. */
async function setUp({ send, stripe }: ApiWorld, isFinished = true): Promise<{ readonly type: "card"; readonly setupIntentId: string }> {
  const { setupIntentId, clientSecret } = z.parse(setupIntentReply, (await send(GOOD["POST /v1/payment-methods/setup-intents"])).body);
  if (isFinished) stripe.confirmSetupAsCustomer(clientSecret, "pm_card_visa");
  return { type: "card", setupIntentId };
}

/** The setup of an Alipay whose owner has authorised it. */
async function setUpAlipay({ send, stripe }: ApiWorld): Promise<{ readonly type: "alipay"; readonly setupIntentId: string }> {
  const { setupIntentId, clientSecret } = z.parse(setupIntentReply, (await send(beginAlipay)).body);
  stripe.authenticateSetup(stripe.confirmSetupAsCustomer(clientSecret, "alipay").id, "succeed");
  return { type: "alipay", setupIntentId };
}

/** Of an operator whom Stripe has not allowed to charge Alipay by itself. */
const withoutReusableAlipay = { reusableAlipay: false };

async function close({ ports }: ApiWorld): Promise<void> {
  await ports.subscribers.putClosing(SUBSCRIBER, { since: NOW });
}

/** The same, of somebody whom the issuer does not name. */
function ofUnknownCaller(call: ApiCall): Story {
  return {
    says: "Somebody whom the issuer does not name",
    call: async (world) => {
      await forgetCaller(world);
      return call;
    },
    changes: unknownCaller,
  };
}

/** The same, of somebody whose account is being closed. */
function ofClosingCaller(call: ApiCall): Story {
  return {
    says: "The account is being closed",
    call: async (world) => {
      await close(world);
      return call;
    },
  };
}

/** The line of the known caller, with its recharge waiting for its payer. */
async function waitForPayer({ ports, line }: ApiWorld): Promise<void> {
  const reserved = withOpenRecharge({ ...esimWithRule(), version: (await line()).version }, "re_1");
  await ports.esims.save(applyMove(reserved, "re_1", { type: "awaiting", paymentIntentId: "pi_1", at: NOW }, NOW), "seed-2");
}

function isBeingPaid(call: ApiCall): Story {
  return {
    says: "It is being paid",
    call: async ({ ports, line }) => {
      const reserved = withOpenRecharge({ ...esimWithRule(), version: (await line()).version }, "re_1");
      const confirming = applyMove(reserved, "re_1", { type: "created", paymentIntentId: "pi_1" }, NOW);
      await ports.esims.save(applyMove(confirming, "re_1", { type: "paid", at: NOW }, NOW), "seed-2");
      return call;
    },
  };
}

/** What a link can be that opens nothing. */
function deadLinks(call: ApiCall): Story[] {
  const withToken = (token: string) => ({ ...call, path: call.path.replace(/[^/]+\.[^/]+/, token) });
  return [
    { says: "A link that is none", call: () => withToken("rubbish.rubbish") },
    { says: "A link whose time is over", call: async () => withToken(await linkToken("re_1", NOW)) },
    { says: "A link to what has ended", call: async () => withToken(await linkToken("re_0")) },
  ];
}

/** Beyond a good call: every other good answer, and every problem of the operation's own. */
const STORIES: { readonly [Name in OperationName]: readonly Story[] } = {
  createRule: [
    { says: "Terms that were not shown", call: () => ({ ...GOOD["POST /v1/rules"], body: newRule({ consent: { termsHash: OTHER_TERMS } }) }) },
    { says: "Not the caller's line", call: () => ({ ...GOOD["POST /v1/rules"], body: newRule({ iccid: NOBODYS_ICCID }) }) },
    { says: "A rule that its own cap would stop", call: () => ({ ...GOOD["POST /v1/rules"], body: newRule({ limits: { perMonth: cny(4000) } }) }) },
    { says: "A field that is none", call: () => ({ ...GOOD["POST /v1/rules"], body: newRule({ threshold: { amount: 10.5, currency: "RMB" } }) }) },
    {
      says: "The line has a rule",
      call: async (world) => {
        await world.store(esimWithRule());
        return GOOD["POST /v1/rules"];
      },
    },
    {
      says: "Another threshold for a line of somebody else's, on the day of the last",
      call: async (world) => {
        await world.send({ ...GOOD["POST /v1/rules"], body: newRule({ iccid: STRANGERS_ICCID }) });
        await world.send({ method: "DELETE", path: `/v1/rules/${STRANGERS_ICCID}`, headers: { "if-match": '"2"' } });
        return { ...GOOD["POST /v1/rules"], body: newRule({ iccid: STRANGERS_ICCID, threshold: cny(2000) }) };
      },
    },
    ofUnknownCaller(GOOD["POST /v1/rules"]),
    ofClosingCaller(GOOD["POST /v1/rules"]),
  ],
  previewRule: [
    { says: "Not the caller's line", call: () => ({ ...preview, body: { ...preview.body, iccid: NOBODYS_ICCID } }) },
    { says: "A rule that its own cap would stop", call: () => ({ ...preview, body: { ...preview.body, limits: { perMonth: cny(4000) } } }) },
    {
      says: "Another threshold for a line of somebody else's, on the day of the last",
      call: async (world) => {
        await world.send({ ...GOOD["POST /v1/rules"], body: newRule({ iccid: STRANGERS_ICCID }) });
        return { ...preview, body: previewSettings({ iccid: STRANGERS_ICCID, threshold: cny(2000) }) };
      },
    },
    ofUnknownCaller(preview),
    ofClosingCaller(preview),
  ],
  readTerms: [{ says: "Terms that nobody agreed to", call: () => ({ method: "GET", path: `/v1/terms/${OTHER_TERMS}` }) }],
  requestFamilyCode: [ofClosingCaller(GOOD["POST /v1/family-lines"])],
  listFamilyLines: [],
  putFamilyLine: [
    { says: "Another code", call: () => ({ ...putFamilyLine, body: { ...putFamilyLine.body, code: "000000" } }) },
    { says: "A code that was never asked for", call: () => ({ ...putFamilyLine, path: `/v1/family-lines/${OTHER_ICCID}` }) },
    { says: "An end in the past", call: () => ({ ...putFamilyLine, body: { ...putFamilyLine.body, until: NOW } }) },
    {
      says: "No line",
      call: async ({ ports }) => {
        const hash = codeHash(ports.hash, { subscriberId: SUBSCRIBER, iccid: NOBODYS_ICCID, code: CODE });
        await ports.subscribers.putCode(SUBSCRIBER, ports.hash(NOBODYS_ICCID), { hash, validUntil: plusMinutes(NOW, 10), triesLeft: 5 });
        return { ...putFamilyLine, path: `/v1/family-lines/${NOBODYS_ICCID}` };
      },
    },
    {
      says: "Its holder has a rule",
      call: async ({ ports, line }) => {
        await ports.esims.save({ ...strangersLine(), version: (await line(STRANGERS_ICCID)).version }, "seed-2");
        return putFamilyLine;
      },
    },
    ofUnknownCaller(putFamilyLine),
    ofClosingCaller(putFamilyLine),
  ],
  deleteFamilyLine: [{ says: "Not paid for by the caller", call: () => ({ method: "DELETE", path: `/v1/family-lines/${OTHER_ICCID}` }) }],
  setPaymentMethodUse: [
    { says: "Not the caller's way to pay", call: () => ({ ...setUse, path: "/v1/payment-methods/pm_eve" }) },
    {
      says: "One that cannot be charged with its owner away",
      call: async ({ send }) => {
        const { paymentMethodId } = z.parse(paymentMethodReply, (await send(addCard)).body);
        return { ...setUse, path: `/v1/payment-methods/${paymentMethodId}` };
      },
    },
    ofClosingCaller(setUse),
  ],
  listRules: [{ says: "A page that is none", call: () => ({ ...GOOD["GET /v1/rules"], query: { page: "2" } }) }],
  readRule: [{ says: "A line without a rule", call: () => ({ ...GOOD["GET /v1/rules/{iccid}"], path: otherRule }) }],
  replaceRule: [
    {
      says: "A raise that nobody agreed to",
      call: () => ({ ...GOOD["PUT /v1/rules/{iccid}"], body: ruleSettingsBody({ threshold: cny(2000), consent: { termsHash: OTHER_TERMS } }) }),
    },
    { says: "No version named", call: () => ({ ...GOOD["PUT /v1/rules/{iccid}"], headers: {} }) },
    { says: "Another version", call: () => ({ ...GOOD["PUT /v1/rules/{iccid}"], ...oldVersion }) },
    { says: "A line without a rule", call: () => ({ ...GOOD["PUT /v1/rules/{iccid}"], path: otherRule, body: ruleSettingsBody({}, OTHER_ICCID) }) },
    {
      says: "Not the caller's way to pay",
      call: () => ({ ...GOOD["PUT /v1/rules/{iccid}"], body: ruleSettingsBody({ paymentMethodId: "pm_eve" }) }),
    },
    {
      says: "Another threshold for a line of somebody else's, on the day of the last",
      call: async (world) => {
        await world.send({ ...GOOD["POST /v1/rules"], body: newRule({ iccid: STRANGERS_ICCID }) });
        return {
          ...GOOD["PUT /v1/rules/{iccid}"],
          path: `/v1/rules/${STRANGERS_ICCID}`,
          headers: { "if-match": '"2"' },
          body: ruleSettingsBody({ threshold: cny(2000) }, STRANGERS_ICCID),
        };
      },
    },
    ofUnknownCaller(GOOD["PUT /v1/rules/{iccid}"]),
    ofClosingCaller(GOOD["PUT /v1/rules/{iccid}"]),
  ],
  setRuleState: [
    { says: "Another version", call: () => ({ ...GOOD["PATCH /v1/rules/{iccid}"], ...oldVersion }) },
    { says: "A line without a rule", call: () => ({ ...GOOD["PATCH /v1/rules/{iccid}"], path: otherRule }) },
    { says: "Resume", call: () => resume },
    {
      says: "Resume on a card that is refused for good",
      call: async ({ ports }) => {
        await ports.cards.putDecline(METHOD.cardKey, { rechargeId: "re_9", at: NOW, severity: "hard", code: "stolen_card" });
        return resume;
      },
    },
    {
      says: "Resume a rule that ended with what let its payer pay for the line",
      call: async ({ ports, line }) => {
        const { rule, ...rest } = await line();
        if (rule === undefined) throw new Error("There is no rule");
        const status = { state: "suspended", at: plusMinutes(NOW, 1), reason: "family-ended" } as const;
        await ports.esims.save({ ...rest, rule: { ...rule, status } }, "ended");
        return resume;
      },
    },
    {
      says: "Resume on a card that was removed",
      call: async ({ ports }) => {
        await ports.subscribers.removeMethod(SUBSCRIBER, METHOD.id);
        return resume;
      },
    },
  ],
  deleteRule: [
    { says: "Another version", call: () => ({ ...GOOD["DELETE /v1/rules/{iccid}"], ...oldVersion }) },
    { says: "A line without a rule", call: () => ({ ...GOOD["DELETE /v1/rules/{iccid}"], path: otherRule }) },
  ],
  listEsims: [
    { says: "The carrier does not answer", call: () => GOOD["GET /v1/esims"], changes: { carrier: silentCarrier } },
    ofUnknownCaller(GOOD["GET /v1/esims"]),
  ],
  listRecharges: [{ says: "A page that is none", call: () => ({ ...GOOD["GET /v1/recharges"], query: { page: "2" } }) }],
  rechargeNow: [
    { says: "Not the caller's line", call: () => ({ ...rechargeNow, body: { ...rechargeNow.body, iccid: NOBODYS_ICCID } }) },
    { says: "More than the operator lets anybody", call: () => ({ ...rechargeNow, body: { ...rechargeNow.body, amount: cny(90_000) } }) },
    {
      says: "The key of another wish",
      call: async ({ send }) => {
        await send(rechargeNow);
        return { ...rechargeNow, body: { ...rechargeNow.body, amount: cny(3000) } };
      },
    },
    {
      says: "Another recharge is open",
      call: async ({ send }) => {
        await send(rechargeNow);
        return { ...rechargeNow, headers: { "idempotency-key": "wish-0002" } };
      },
    },
    ofUnknownCaller(rechargeNow),
    ofClosingCaller(rechargeNow),
  ],
  cancelRecharge: [
    { says: "Not the caller's recharge", call: () => ({ method: "POST", path: "/v1/recharges/re_7/cancel" }) },
    isBeingPaid(GOOD["POST /v1/recharges/{rechargeId}/cancel"]),
  ],
  readMe: [ofUnknownCaller(GOOD["GET /v1/me"])],
  changeMe: [ofUnknownCaller(GOOD["PATCH /v1/me"]), ofClosingCaller(GOOD["PATCH /v1/me"])],
  exportMe: [ofUnknownCaller(GOOD["GET /v1/me/export"])],
  closeAccount: [],
  readPayLink: [
    {
      says: "A payment that waits for its payer",
      call: async (world) => {
        await waitForPayer(world);
        return GOOD_PUBLIC["GET /v1/pay-links/{token}"];
      },
      changes: clientSecrets,
    },
    ...deadLinks(GOOD_PUBLIC["GET /v1/pay-links/{token}"]),
  ],
  callOffPayLink: [...deadLinks(GOOD_PUBLIC["POST /v1/pay-links/{token}/decline"]), isBeingPaid(GOOD_PUBLIC["POST /v1/pay-links/{token}/decline"])],
  showPayPage: [],
  callOffOnPage: [],
  readRecharge: [
    {
      says: "A recharge that its payer wants, and that is about to be made",
      call: async ({ ports, send, line }) => {
        const { version } = await line();
        await ports.esims.save({ ...esimWithRule(), version }, "seed-2");
        const { headers } = await send(rechargeNow);
        return { method: "GET", path: String(headers.location) };
      },
    },
    {
      says: "An ended recharge whose payment was given back since",
      call: async ({ ports }) => {
        await ports.recharges.putAdjustment({ rechargeId: "re_0", adjustmentId: "re_3/refunded", kind: "refunded", amount: cny(5000), at: NOW });
        return { method: "GET", path: "/v1/recharges/re_0" };
      },
    },
    {
      says: "A recharge that waits for its payer",
      call: async (world) => {
        await waitForPayer(world);
        return GOOD["GET /v1/recharges/{rechargeId}"];
      },
      changes: clientSecrets,
    },
    { says: "Not the caller's recharge", call: () => ({ method: "GET", path: "/v1/recharges/re_7" }) },
  ],
  beginSetup: [
    ofClosingCaller(GOOD["POST /v1/payment-methods/setup-intents"]),
    {
      says: "More than anybody needs",
      call: async (world) => {
        await fillWallet(world);
        return GOOD["POST /v1/payment-methods/setup-intents"];
      },
    },
  ],
  beginAlipaySetup: [
    ofClosingCaller(beginAlipay),
    { says: "An operator with whom Alipay asks each time", call: () => beginAlipay, changes: withoutReusableAlipay },
    {
      says: "More than anybody needs",
      call: async (world) => {
        await fillWallet(world);
        return beginAlipay;
      },
    },
  ],
  addPaymentMethod: [
    ofClosingCaller(addCard),
    { says: "An Alipay that may be charged with its owner away", call: async (world) => ({ ...addCard, body: await setUpAlipay(world) }) },
    {
      says: "Such an Alipay, with whom it asks each time",
      call: async (world) => ({ ...addCard, body: await setUpAlipay(world) }),
      changes: withoutReusableAlipay,
    },
    { says: "A card", call: async (world) => ({ ...addCard, body: await setUp(world) }) },
    {
      says: "A card that was saved before",
      call: async (world) => {
        const body = await setUp(world);
        await world.send({ ...addCard, body });
        return { ...addCard, body };
      },
    },
    { says: "A setup that nobody has begun", call: () => ({ ...addCard, body: { type: "card", setupIntentId: "seti_9" } }) },
    { says: "A setup that is not finished", call: async (world) => ({ ...addCard, body: await setUp(world, false) }) },
    {
      says: "A card that was removed",
      call: async (world) => {
        const body = await setUp(world);
        const { paymentMethodId = "" } = (await world.ports.wallet.findSetupIntent(body.setupIntentId)) ?? {};
        await world.ports.wallet.detach(paymentMethodId);
        return { ...addCard, body };
      },
    },
    {
      says: "More than anybody needs",
      call: async (world) => {
        await fillWallet(world);
        return addCard;
      },
    },
  ],
  listPaymentMethods: [],
  removePaymentMethod: [
    { says: "Not the caller's way to pay", call: () => ({ ...GOOD["DELETE /v1/payment-methods/{paymentMethodId}"], path: "/v1/payment-methods/pm_eve" }) },
    {
      says: "An open recharge uses it",
      call: () => ({ ...GOOD["DELETE /v1/payment-methods/{paymentMethodId}"], path: `/v1/payment-methods/${METHOD.id}` }),
    },
  ],
};

/** Makes every call and gives what was answered. Throws when a good answer or a problem that an operation promises is shown by none. */
export async function recordExamples(): Promise<Examples> {
  const recorded: Record<string, readonly Example[]> = {};
  for (const route of [...ROUTES, ...PUBLIC_ROUTES.filter(({ operation }) => !(operation in apiDocsRoutes))]) {
    const good = goodCallOf(route);
    const stories = Object.entries(STORIES).find(([name]) => name === route.operation)?.[1];
    if (stories === undefined) throw new Error(`${route.operation} has no examples`);
    const all: Example[] = [];
    for (const story of [{ says: route.summary, call: () => good }, ...stories]) all.push(await record(story, good));
    const shown = new Set(all.map(({ status }) => status));
    const told = JSON.stringify(all.map(({ answer }) => answer));
    const isPage = Object.values(route.replies).some(({ type }) => type === "text/html");
    const missing = [
      ...Object.keys(route.replies).filter((status) => !shown.has(Number(status))),
      // A page says it in words.
      ...(isPage ? [] : route.problems).filter((code) => !told.includes(`"${PROBLEM_PREFIX}${code}"`)),
    ];
    if (missing.length > 0) throw new Error(`No example of ${route.operation} shows ${missing.join(", ")}`);
    recorded[route.operation] = all;
  }
  return recorded;
}

async function record({ says, call, changes }: Story, good: ApiCall): Promise<Example> {
  const world = await knownCaller(good);
  const made = await call(world);
  const answer = await world.send(made, changes);
  const type = answer.headers["content-type"];
  return { says, body: made.body, status: answer.status, ...(typeof type === "string" && { type }), answer: answer.body };
}
