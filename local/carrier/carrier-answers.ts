import * as z from "zod/mini";
import { balanceQuery, codeMessage, esimQuery, lineQuery, topUpOrder, topUpQuery } from "../../functions/contracts/carrier.ts";
import { instant } from "../../functions/domain/time.ts";
import type { CarrierModel, TopUpWord } from "./carrier-model.ts";
import type { Fault } from "./next-outcomes.ts";

/** What goes over the wire. `arrives`: whether the one who asked still waits for it. */
export interface CarrierAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly arrives: "at-once" | "too-late" | "never";
}

/** Answers a request as docs/carrier-api.yaml says, or as somebody chose that it is to go wrong. */
export function answerCarrierRequest(
  model: CarrierModel,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body: string },
): CarrierAnswer {
  if (!model.admit()) return problem(429, "too-fast", "More calls in a second than this carrier takes");
  const route = `${method} ${path}`;
  switch (route) {
    case "POST /v1/esims/query":
      return withBody(esimQuery, body, (who) => spoil(model, ok(model.queryEsims(who)), model.takeFault("queryEsims")));
    case "POST /v1/lines/query":
      return withBody(lineQuery, body, ({ iccid }) => spoil(model, ok(model.queryLine(iccid)), model.takeFault("queryLine")));
    case "POST /v1/codes":
      return withBody(codeMessage, body, (order) => {
        model.sendCode(order);
        return spoil(model, { ...ok({}), status: 202 }, model.takeFault("sendCode"));
      });
    case "POST /v1/balances/query":
      return withBody(balanceQuery, body, ({ iccids }) => spoil(model, ok(model.queryBalances(iccids)), model.takeFault("queryBalances")));
    case "POST /v1/top-ups":
      return withBody(topUpOrder, body, (order) => {
        const { said, fault } = model.topUp(order);
        return spoil(model, answerOf(said), fault);
      });
    default:
  }
  const { pathname, searchParams } = new URL(path, "http://carrier.test");
  if (method === "GET" && pathname === "/v1/top-ups") return listing(model, Object.fromEntries(searchParams));
  const reference = /^GET \/v1\/top-ups\/([A-Za-z0-9_-]{1,64})$/.exec(route)?.[1];
  if (reference === undefined) return problem(404, "unknown-route", "There is nothing here");
  return spoil(model, answerOf(model.findTopUp(reference)), model.takeFault("findTopUp"));
}

function listing(model: CarrierModel, parameters: object): CarrierAnswer {
  const query = z.safeParse(topUpQuery, parameters);
  if (!query.success) return problem(422, "invalid-query", "The query is not what docs/carrier-api.yaml asks for");
  const list = model.queryTopUps(query.data);
  if (list === undefined) return problem(404, "unknown-route", "There is nothing here");
  return spoil(model, ok(list), model.takeFault("queryTopUps"));
}

function withBody<Schema extends z.ZodMiniType>(schema: Schema, body: string, act: (document: z.infer<Schema>) => CarrierAnswer): CarrierAnswer {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return problem(400, "malformed-json", "The body is not JSON");
  }
  const result = z.safeParse(schema, document);
  if (result.success) return act(result.data);
  const errors = result.error.issues.map((issue) => ({ pointer: issue.path.map((key) => `/${String(key)}`).join(""), detail: issue.message }));
  return problem(422, "invalid-body", "The body is not what docs/carrier-api.yaml asks for", { errors });
}

function answerOf(said: TopUpWord): CarrierAnswer {
  switch (said) {
    case "conflict":
      return problem(409, "reference-taken", "This reference belongs to a top-up of another line or amount");
    case "under-way":
      return problem(503, "under-way", "This order is neither credited nor refused yet");
    case "unseen":
      return problem(404, "unknown-reference", "This reference was never seen here");
    case "nothing":
      return problem(503, "broken", "Something broke; whether the line was credited is another question");
    default:
      return ok(said);
  }
}

/** The answer as it goes wrong. */
function spoil(model: CarrierModel, answer: CarrierAnswer, fault: Fault | undefined): CarrierAnswer {
  switch (fault) {
    case undefined:
      return answer;
    case "lose-reply":
      return { ...answer, arrives: "never" };
    case "slow":
      return { ...answer, arrives: "too-late" };
    case "garbled":
      return { ...answer, status: 200, body: answer.body.slice(0, answer.body.length / 2) };
    case "html":
      return page(200);
    case "other-reference":
      return ok({ reference: "somebody-elses", status: "credited", at: instant(model.now()) });
    case "other-currency":
      return { ...answer, body: answer.body.replace(/"currency":"(...)"/g, (_, currency) => `"currency":"${currency === "USD" ? "EUR" : "USD"}"`) };
    case "missing-lines":
      return ok({ esims: [], line: null, balances: [] });
    case "error-401":
    case "error-403":
    case "error-404":
    case "error-409":
    case "error-422":
    case "error-429":
    case "error-500":
    case "error-503":
      return page(Number(fault.slice("error-".length)));
  }
}

function ok(document: object): CarrierAnswer {
  return { status: 200, type: "application/json", body: JSON.stringify(document), arrives: "at-once" };
}

/** What a gateway in front of a carrier answers. */
function page(status: number): CarrierAnswer {
  return { status, type: "text/html", body: `<html><h1>${status}</h1></html>`, arrives: "at-once" };
}

/** An error as docs/carrier-api.yaml asks for it. */
export function problem(status: number, name: string, title: string, more: object = {}): CarrierAnswer {
  const body = JSON.stringify({ type: `urn:auto-recharge:carrier:${name}`, title, status, ...more });
  return { status, type: "application/problem+json", body, arrives: "at-once" };
}
