import type { APIGatewayProxyStructuredResultV2 as Result } from "aws-lambda";
import { choicesOf } from "../../domain/choices.ts";
import { OutcomeUnknown, type Profile } from "../../domain/ports.ts";
import { HttpProblem } from "../problem.ts";
import { type PayRequest, tokenOf } from "./answer-link.ts";
import { type CallOffPorts, callOff } from "./call-off.ts";
import { type FoundPayment, findPayment, payerOf, paymentView } from "./find-payment.ts";
import { type Html, payPage, problemPage } from "./pay-page.ts";
import { languageOf, type PayProblem } from "./pay-words.ts";

export interface ShowPagePorts extends CallOffPorts {
  /** 128 random bits at least, in characters that need no quoting. */
  readonly nonces: { next(): string };
}

/** The page of a link. Opening it changes nothing: programs that look at links before people do open it, too. */
export function showPayPage(ports: ShowPagePorts, request: PayRequest): Promise<Result> {
  return page(ports, request, findPayment);
}

/** The page after its payer declined or skipped. */
export function callOffOnPage(ports: ShowPagePorts, request: PayRequest): Promise<Result> {
  return page(ports, request, callOff);
}

async function page<Ports extends ShowPagePorts>(
  ports: Ports,
  request: PayRequest,
  act: (ports: Ports, token: string) => Promise<FoundPayment>,
): Promise<Result> {
  try {
    const token = tokenOf(request);
    return await pageOf(ports, request, token, await act(ports, token));
  } catch (error) {
    const { status, problem } = problemOf(error);
    if (status >= 500) ports.log.error("request-failed", { error });
    return toGateway(status, problemPage(languageOf(undefined, request.headers["accept-language"]), problem, ports.nonces.next()));
  }
}

async function pageOf(ports: ShowPagePorts, request: PayRequest, token: string, found: FoundPayment): Promise<Result> {
  const [view, payer, stripe] = await Promise.all([paymentView(ports, found), payerOf(ports, found), ports.stripePage()]);
  const language = languageOf(payer?.language, request.headers["accept-language"]);
  return toGateway(200, payPage({ language, timeZone: timeZoneOf(payer, found), token, view, stripe, nonce: ports.nonces.next() }));
}

/** As the notice says it that led here. */
function timeZoneOf(payer: Profile | undefined, { open }: FoundPayment): string {
  return choicesOf({ ...payer, ruleTimeZone: payer?.ruleTimeZone ?? open.consent.timeZone }).timeZone;
}

const TOLD: ReadonlySet<string> = new Set<PayProblem>(["not-found", "link-expired", "link-over", "too-late"]);

function problemOf(error: unknown): { readonly status: number; readonly problem: PayProblem } {
  if (error instanceof HttpProblem && TOLD.has(error.code)) return { status: error.status, problem: error.code as PayProblem };
  return { status: error instanceof OutcomeUnknown ? 503 : 500, problem: "try-again" };
}

/** Not kept by a cache, not told to another site, not found by a search, not shown inside another page. */
function toGateway(statusCode: number, { html, policy }: Html): Result {
  return {
    statusCode,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-robots-tag": "noindex, nofollow",
    },
    body: html,
  };
}
