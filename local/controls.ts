import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import * as z from "zod/mini";
import { currency } from "../functions/contracts/money.ts";
import { SCOPES, type Scope } from "../functions/contracts/route.ts";
import { instant } from "../functions/domain/time.ts";
import { FATES, QUESTION_FAULTS } from "./carrier/next-outcomes.ts";
import { DEMO_PASSWORD, DEMO_USER, LIN_USER } from "./demo-data.ts";
import { OutboxPage, outboxPage } from "./outbox-page.ts";
import type { LocalParts } from "./stack.ts";
import { STRIPE_JS_STUB } from "./stripe/browser-stub.ts";
import { type NextOutcome, type Operation, OUTCOMES } from "./stripe/next-outcomes.ts";

/** The hand that plays the world: what no deployed stack has. Everything under /local/. */

/** A year at once is enough for every test, and dates stay dates. */
const MOST_MINUTES = 525_600;
/** Beyond some hundred times a small machine falls behind. */
export const FASTEST = 3600;
const SPEED_RANGE = `must be a number from 1 to ${FASTEST}`;

const CARRIER_NEXT =
  'of the next top-up: { "outcome": "refuse" }, or one of credit, lose-request, <fault>, credit-but-<fault>, credit-later-but-<fault>; ' +
  `of the next queryEsims, queryLine, sendCode, queryBalances or findTopUp: { "operation": "queryBalances", "outcome": "<fault>" }; faults: ${QUESTION_FAULTS.join(", ")} (the last two of questions only)`;
const otherNext = { error: `must say what becomes ${CARRIER_NEXT}` };
const carrierNext = z.union(
  [
    z.strictObject({ operation: z._default(z.literal("topUp"), "topUp"), outcome: z.enum([...FATES.keys()]) }, otherNext),
    z.strictObject({ operation: z.enum(["queryEsims", "queryLine", "sendCode", "queryBalances", "findTopUp"]), outcome: z.enum(QUESTION_FAULTS) }, otherNext),
  ],
  otherNext,
);
const STRIPE_NEXT =
  'of the next confirmation: { "outcome": "processing" } or { "outcome": { "decline": "do_not_honor", "advice": "try_again_later" } }, ' +
  `of another operation: { "operation": "refund", "outcome": "pending" }; ${Object.entries(OUTCOMES)
    .map(([operation, outcomes]) => `${operation}: ${outcomes.join(", ")}`)
    .join("; ")}`;
const stripeNext = z.union(
  [
    z.strictObject({
      operation: z.optional(z.literal("confirm")),
      outcome: z.union([z.enum(OUTCOMES.confirm), z.strictObject({ decline: z.string(), advice: z.optional(z.string()) })]),
    }),
    z.strictObject({ operation: z.enum(["create", "retrieve"]), outcome: z.enum(OUTCOMES.create) }),
    z.strictObject({ operation: z.literal("cancel"), outcome: z.enum(OUTCOMES.cancel) }),
    z.strictObject({ operation: z.literal("refund"), outcome: z.enum(OUTCOMES.refund) }),
  ],
  { error: `must say what becomes ${STRIPE_NEXT}` },
);
const customerAct = z.strictObject({ clientSecret: z.string(), pays: z._default(z.string(), "pm_card_visa"), passes: z._default(z.boolean(), true) });
const contest = z.strictObject({ rechargeId: z.string(), reason: z._default(z.string(), "fraudulent") });
const verdict = z.strictObject({ status: z.enum(["won", "lost"], { error: "must be won or lost" }) });
const minorUnits = z.int({ error: "must be a whole number of minor units" });
const holderName = z.optional(z.string());
const lineChange = z.strictObject({
  available: z.optional(minorUnits),
  drainPerMinute: z.optional(minorUnits.check(z.gte(0, { error: "must not be below 0" }))),
  currency: z.optional(currency),
  topUpAmounts: z.optional(z.array(minorUnits)),
  owner: z.optional(z.strictObject({ subscriberId: holderName, email: holderName, phoneNumber: holderName })),
});
const newLine = z.strictObject({
  iccid: z.string({ error: "must be the line's number" }).check(z.regex(/^89\d{16,20}$/, { error: "must be 18 to 22 digits that begin with 89" })),
  owner: z.strictObject({ subscriberId: holderName, email: holderName, phoneNumber: holderName }),
  currency: z._default(currency, "CNY"),
  available: z._default(minorUnits, 3000),
  drainPerMinute: z._default(minorUnits, 0),
  topUpAmounts: z.optional(z.array(minorUnits)),
});
const minutes = `must be a number of minutes from 0 to ${MOST_MINUTES} (a year)`;
const clockChange = z.strictObject({
  advanceMinutes: z.optional(z.number({ error: minutes }).check(z.gte(0, { error: minutes }), z.lte(MOST_MINUTES, { error: minutes }))),
  speed: z.optional(z.number({ error: SPEED_RANGE }).check(z.gte(1, { error: SPEED_RANGE }), z.lte(FASTEST, { error: SPEED_RANGE }))),
});

interface Control {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: RegExp;
  /** How to use it, for GET /local/. */
  readonly usage: string;
  /** Of an answer that is a text. */
  readonly type?: string;
  readonly act: (call: { readonly match: RegExpExecArray; readonly query: URLSearchParams; readonly body: () => Promise<unknown> }) => unknown;
}

/** A control was used wrongly. */
class Misuse extends Error {
  readonly status: number;
  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

/** Answers requests under /local/; gives false for all others. */
export function controls(parts: LocalParts): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  const { clock, carrier, stripe, timeline } = parts;
  const line = (iccid: string | undefined) => {
    const found = carrier.listLines().find((each) => each.iccid === iccid);
    if (found === undefined)
      throw new Misuse(
        `The carrier has no such line; it has ${carrier
          .listLines()
          .map((each) => each.iccid)
          .join(", ")}`,
        404,
      );
    return found;
  };
  const ownStripe = () => {
    if (stripe === undefined) throw new Misuse("This stack talks to Stripe itself: use Stripe's test cards and dashboard", 409);
    return stripe;
  };
  const paymentOf = (rechargeId: string) => {
    const charge = ownStripe()
      .listCharges()
      .find(({ metadata, paid }) => metadata.rechargeId === rechargeId && paid);
    if (typeof charge?.payment_intent !== "string") throw new Misuse(`Nothing was taken for the recharge ${rechargeId}`, 404);
    return charge.payment_intent;
  };
  const isScope = (text: string): text is Scope => Object.hasOwn(SCOPES, text);

  const all: readonly Control[] = [
    {
      method: "GET",
      path: /^\/local\/token$/,
      usage: "an access token of the demo subscriber, as plain text; ?scope=rules:read for fewer scopes; ?user=lin of her mother, whose line she may pay for",
      act: ({ query }) => {
        const scopes = query.getAll("scope");
        if (!scopes.every(isScope)) throw new Misuse(`scope must be among ${Object.keys(SCOPES).join(", ")}`);
        return parts.token(scopes.length === 0 ? undefined : scopes, query.get("user") === "lin" ? LIN_USER : DEMO_USER);
      },
    },
    {
      method: "GET",
      path: /^\/local\/lines$/,
      usage: "the lines at the carrier, with what is available on each now",
      act: () => carrier.listLines(),
    },
    {
      method: "POST",
      path: /^\/local\/lines$/,
      usage:
        'a new line at the carrier, for instance of somebody who has just registered: { "iccid": "8986012345678900033", "owner": { "email": "lin@example.com" } }, ' +
        'and if you like "available", "drainPerMinute", "currency", "topUpAmounts"',
      act: async ({ body }) => {
        const { topUpAmounts, ...added } = read(newLine, await body());
        if (carrier.listLines().some(({ iccid }) => iccid === added.iccid)) throw new Misuse("The carrier has this line already", 409);
        carrier.addLine(added);
        if (topUpAmounts !== undefined) carrier.setTopUpAmounts(added.iccid, topUpAmounts);
        return line(added.iccid);
      },
    },
    {
      method: "POST",
      path: /^\/local\/lines\/(\d+)$/,
      usage:
        'change a line at the carrier: { "available": 900, "drainPerMinute": 50, "currency": "USD", "topUpAmounts": [5000], "owner": { "email": "lin@example.com" } }, ' +
        "any of them; amounts in minor units",
      act: async ({ match, body }) => {
        const { iccid } = line(match[1]);
        const { available, drainPerMinute, currency, topUpAmounts, owner } = read(lineChange, await body());
        if (available !== undefined) carrier.setBalance(iccid, available);
        if (drainPerMinute !== undefined) carrier.setDrain(iccid, drainPerMinute);
        if (currency !== undefined) carrier.setCurrency(iccid, currency);
        if (topUpAmounts !== undefined) carrier.setTopUpAmounts(iccid, topUpAmounts);
        if (owner !== undefined) carrier.setOwner(iccid, owner);
        return line(iccid);
      },
    },
    {
      method: "DELETE",
      path: /^\/local\/lines\/(\d+)$/,
      usage: "the line vanishes from the carrier",
      act: ({ match }) => {
        const { iccid } = line(match[1]);
        carrier.removeLine(iccid);
        return carrier.listLines();
      },
    },
    {
      method: "POST",
      path: /^\/local\/cards\/(pm_card_\w+)$/,
      usage: "save one of Stripe's test cards for the demo subscriber, e.g. pm_card_chargeDeclined; gives its id",
      act: async ({ match }) => {
        try {
          return await parts.saveCard(match[1] ?? "");
        } catch (error) {
          throw new Misuse(`Stripe has no such test card: ${error instanceof Error ? error.message : String(error)}`, 404);
        }
      },
    },
    {
      method: "POST",
      path: /^\/local\/stripe\/next$/,
      usage: `what becomes ${STRIPE_NEXT}`,
      act: async ({ body }) => {
        const { operation, outcome } = read(stripeNext, await body());
        const chosen: NextOutcome<Operation> =
          typeof outcome === "string" ? outcome : { type: "decline", declineCode: outcome.decline, adviceCode: outcome.advice };
        ownStripe().chooseNext(chosen, operation);
        return { operation, outcome };
      },
    },
    {
      method: "GET",
      path: /^\/local\/stripe\/charges$/,
      usage: "every time a card was asked; `paid` tells whether money was taken",
      act: () => ownStripe().listCharges(),
    },
    {
      method: "POST",
      path: /^\/local\/stripe\/customer$/,
      usage:
        'what a customer does in the browser: { "clientSecret": "pi_..._secret_...", "pays": "pm_card_visa" }, and "passes": false where their bank asks and they fail; ' +
        "pays: a test card, or wechat_pay or alipay where it is a pay request; with the secret of a SetupIntent (seti_...) the card, or alipay, is saved instead",
      act: async ({ body }) => {
        const { clientSecret, pays, passes } = read(customerAct, await body());
        return refusable(() => {
          if (clientSecret.startsWith("seti_")) {
            const setup = ownStripe().confirmSetupAsCustomer(clientSecret, pays);
            const { id, status } = setup.status === "requires_action" ? ownStripe().authenticateSetup(setup.id, passes ? "succeed" : "fail") : setup;
            return { id, status };
          }
          const confirmed = ownStripe().confirmAsCustomer(clientSecret, pays);
          const { id, status } = confirmed.status === "requires_action" ? ownStripe().authenticate(confirmed.id, passes ? "succeed" : "fail") : confirmed;
          return { id, status };
        });
      },
    },
    {
      method: "POST",
      path: /^\/local\/stripe\/methods\/(pm_\w+)\/revoke$/,
      usage: "the customer takes back at Alipay what they authorised there: a saved Alipay cannot be charged any more; gives its mandate",
      act: ({ match }) => refusable(() => ownStripe().revoke(match[1] ?? "")),
    },
    {
      method: "GET",
      path: /^\/local\/stripe\.js$/,
      usage: "what the page of a pay link loads in the place of Stripe.js: its customer always pays",
      type: "text/javascript",
      act: () => STRIPE_JS_STUB,
    },
    {
      method: "POST",
      path: /^\/local\/stripe\/disputes$/,
      usage: 'the cardholder contests what a recharge took: { "rechargeId": "...", "reason": "fraudulent" }; gives the dispute',
      act: async ({ body }) => {
        const { rechargeId, reason } = read(contest, await body());
        return refusable(() => ownStripe().dispute(paymentOf(rechargeId), { reason }));
      },
    },
    {
      method: "POST",
      path: /^\/local\/stripe\/disputes\/(du_\w+)$/,
      usage: 'how the bank decides: { "status": "won" } or { "status": "lost" }',
      act: async ({ match, body }) => {
        const { status } = read(verdict, await body());
        return refusable(() => ownStripe().closeDispute(match[1] ?? "", status));
      },
    },
    {
      method: "POST",
      path: /^\/local\/carrier\/next$/,
      usage: `what becomes ${CARRIER_NEXT}`,
      act: async ({ body }) => {
        const next = read(carrierNext, await body());
        if (next.operation === "topUp") carrier.chooseNext(next.outcome);
        else carrier.failNext(next.operation, next.outcome);
        return next;
      },
    },
    {
      method: "GET",
      path: /^\/local\/carrier\/top-ups$/,
      usage: "every top-up that the carrier answered",
      act: () => carrier.listTopUps(),
    },
    {
      method: "GET",
      path: /^\/local\/carrier\/messages$/,
      usage: "the text messages that the carrier brought to lines: one-time codes for whoever wants to pay for somebody else's line",
      act: () => carrier.listMessages(),
    },
    {
      method: "GET",
      path: /^\/local\/clock$/,
      usage: "the local time and its speed",
      act: () => ({ now: instant(clock.now()), speed: clock.speed }),
    },
    {
      method: "POST",
      path: /^\/local\/clock$/,
      usage: 'move the clock on, or change its speed: { "advanceMinutes": 60 } or { "speed": 1 }',
      act: async ({ body }) => {
        const { advanceMinutes, speed } = read(clockChange, await body());
        if (advanceMinutes !== undefined) clock.advance(advanceMinutes * 60_000);
        if (speed !== undefined) clock.setSpeed(speed);
        return { now: instant(clock.now()), speed: clock.speed };
      },
    },
    {
      method: "GET",
      path: /^\/local\/timeline$/,
      usage: "what happened, oldest first; ?after=<sequence> for what came later",
      act: ({ query }) => timeline.list(Number(query.get("after") ?? 0)),
    },
    {
      method: "GET",
      path: /^\/local\/outbox$/,
      usage: "the mails and text messages that subscribers would have got, oldest first",
      act: () => parts.outbox().map(({ html: _shownThere, ...mail }, index) => ({ ...mail, readableAt: `/local/outbox/${index + 1}` })),
    },
    {
      method: "GET",
      path: /^\/local\/outbox\/(\d+)$/,
      usage: "one of them as its reader would see it, for a browser; 1 is the oldest",
      act: ({ match }) => {
        const mails = parts.outbox();
        const mail = mails[Number(match[1]) - 1];
        if (mail === undefined) throw new Misuse(`The outbox holds ${mails.length}`, 404);
        return outboxPage(mail, Number(match[1]), mails.length);
      },
    },
    {
      method: "GET",
      path: /^\/local\/queues$/,
      usage: "how many messages are in each queue",
      act: () => parts.depths(),
    },
  ];

  return async (request, response) => {
    const url = URL.parse(`http://127.0.0.1${request.url}`); // not relative to a base: a path may begin with //
    if (url === null) return false;
    if (url.pathname !== "/local" && !url.pathname.startsWith("/local/")) return false;
    try {
      const found = all.find(({ method, path }) => method === request.method && path.test(url.pathname));
      const match = found?.path.exec(url.pathname);
      if (found === undefined || match === null || match === undefined) {
        send(response, url.pathname.replace(/\/$/, "") === "/local" ? 200 : 404, overview(all, parts.issuer));
        return true;
      }
      send(response, 200, await found.act({ match, query: url.searchParams, body: () => readJson(request) }), found.type);
    } catch (error) {
      const status = error instanceof Misuse ? error.status : 500;
      send(response, status, { status, detail: error instanceof Error ? error.message : String(error) });
    }
    return true;
  };
}

/** What the model of Stripe says no to was asked wrongly. */
function refusable<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof Misuse ? error : new Misuse(error instanceof Error ? error.message : String(error), 409);
  }
}

function overview(all: readonly Control[], issuer: string) {
  const paths = all.map(({ method, path, usage }) => [
    `${method} ${path.source
      .replace(/[\\^$]/g, "")
      .replace("outbox/(d+)", "outbox/{number}")
      .replace("(d+)", "{iccid}")
      .replace("(pm_card_w+)", "{test card}")
      .replace("(pm_w+)", "{way to pay}")
      .replace("(du_w+)", "{dispute}")}`,
    usage,
  ]);
  return { subscriber: { ...DEMO_USER, password: DEMO_PASSWORD }, signIn: issuer, controls: Object.fromEntries(paths) };
}

function read<Shape extends z.ZodMiniType>(shape: Shape, body: unknown): z.output<Shape> {
  const result = z.safeParse(shape, body);
  if (result.success) return result.data;
  throw new Misuse(result.error.issues.map((issue) => `${issue.path.join(".") || "the body"}: ${issue.message}`).join("; "));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  try {
    return await json(request);
  } catch {
    throw new Misuse("The body is not JSON");
  }
}

function send(response: ServerResponse, status: number, body: unknown, textType = "text/plain"): void {
  const [type, text] =
    body instanceof OutboxPage
      ? ["text/html; charset=utf-8", body.html]
      : typeof body === "string"
        ? [textType, body]
        : ["application/json", `${JSON.stringify(body, null, 2)}\n`];
  response.writeHead(status, { "content-type": type });
  response.end(text);
}
