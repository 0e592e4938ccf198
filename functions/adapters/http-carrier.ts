import * as z from "zod/mini";
import {
  ANSWER_TIMEOUT_SECONDS,
  carrierProblem,
  esimList,
  LINES_PER_QUERY,
  lineBalance,
  lineReply,
  SIGNATURE_HEADER,
  signCarrierRequest,
  TIMESTAMP_HEADER,
  topUpList,
  topUpReply,
} from "../contracts/carrier.ts";
import type { Reading } from "../domain/esim.ts";
import type { Iccid } from "../domain/iccid.ts";
import type { Metrics } from "../domain/metrics.ts";
import { type Carrier, type Clock, OutcomeUnknown } from "../domain/ports.ts";
import { epochMilliseconds } from "../domain/time.ts";
import type { TopUpAnswer } from "../domain/top-up-outcomes.ts";
import { measured } from "./measured-calls.ts";

export interface CarrierRequest {
  readonly method: "GET" | "POST";
  /** Of docs/carrier-api.yaml, without the base URL's own. */
  readonly path: string;
  /** Empty when there is none. */
  readonly body: string;
}

export interface CarrierResponse {
  readonly status: number;
  readonly body: string;
}

/** Sends a request and gives the answer when all of it is there. Throws OutcomeUnknown when none came, or not all of it. */
export type CarrierTransport = (request: CarrierRequest) => Promise<CarrierResponse>;

const entries = z.object({ balances: z.array(z.unknown()) });

/** The carrier brings the code to the line, if there is such a line. */
const CODE_TAKEN = 202;

/** What a server answers to a route that it does not have. */
const NOT_OFFERED: ReadonlySet<number> = new Set([404, 405, 501]);

/**
 * A carrier that implements docs/carrier-api.yaml, behind some transport.
 *
 * About a top-up it gives the carrier's words, whatever they are. A question about lines that is not answered to the letter is OutcomeUnknown; only an
 * odd entry among balances counts as missing. The reasons hold no ICCID, e-mail address or phone number, so they may be logged.
 */
export function carrierOver(send: CarrierTransport, answersAreFinal: boolean): Carrier {
  const post = (path: string, document: object) => send({ method: "POST", path, body: JSON.stringify(document) });

  return {
    answersAreFinal,

    async listEsims({ subscriberId, email, phoneNumber }) {
      const { esims } = parse(esimList, await post("/v1/esims/query", { subscriberId, email, phoneNumber }));
      return esims;
    },

    async findLine(iccid) {
      const { line } = parse(lineReply, await post("/v1/lines/query", { iccid }));
      if (line === null) return undefined;
      if (line.iccid !== iccid) throw new OutcomeUnknown("The carrier answered about another line");
      return line;
    },

    async sendCode({ iccid, code, language }) {
      const { status } = await post("/v1/codes", { iccid, code, language });
      if (status !== CODE_TAKEN) throw new OutcomeUnknown(`The carrier answered ${status}`);
    },

    async getBalances(iccids) {
      const asked = new Set(iccids);
      const readings = new Map<Iccid, Reading>();
      for (const chunk of chunksOf([...asked], LINES_PER_QUERY)) {
        const { balances } = parse(entries, await post("/v1/balances/query", { iccids: chunk }));
        for (const entry of balances) {
          // Line by line: an odd one counts as missing, and does not hide the others.
          const { success, data } = lineBalance.safeParse(entry);
          if (success && asked.has(data.iccid)) readings.set(data.iccid, { balance: data.available, readAt: data.readAt });
        }
      }
      return readings;
    },

    async topUp({ iccid, amount, reference }) {
      return topUpAnswer(await post("/v1/top-ups", { iccid, amount, reference }));
    },

    async findTopUp(reference) {
      return topUpAnswer(await send({ method: "GET", path: `/v1/top-ups/${encodeURIComponent(reference)}`, body: "" }));
    },

    async listTopUps({ from, to }, page) {
      const query = new URLSearchParams({ from, to, ...(page !== undefined && { page }) });
      const response = await send({ method: "GET", path: `/v1/top-ups?${query.toString()}`, body: "" });
      if (NOT_OFFERED.has(response.status)) return undefined;
      const { topUps, next } = parse(topUpList, response);
      return { items: topUps, next };
    },
  };
}

export interface HttpCarrierOptions {
  /** Where the operator serves docs/carrier-api.yaml; may have a path of its own. */
  readonly baseUrl: string;
  readonly secret: string;
  readonly answersAreFinal: boolean;
  readonly clock: Clock;
  /** For one call, its body included. */
  readonly timeoutMilliseconds?: number;
  readonly metrics?: Metrics;
}

/** A carrier at an address, asked in signed requests. */
export function httpCarrier(options: HttpCarrierOptions): Carrier {
  const { baseUrl, secret, answersAreFinal, clock, timeoutMilliseconds = ANSWER_TIMEOUT_SECONDS * 1000, metrics } = options;
  const base = new URL(baseUrl).href.replace(/\/$/, "");

  const send = async ({ method, path, body }: CarrierRequest): Promise<CarrierResponse> => {
    const url = new URL(`${base}${path}`);
    const timestamp = String(Math.floor(epochMilliseconds(clock.now()) / 1000));
    const signature = signCarrierRequest(secret, { timestamp, method, path: `${url.pathname}${url.search}`, body });
    try {
      const response = await fetch(url, {
        method,
        ...(method === "POST" && { body }),
        headers: {
          accept: "application/json, application/problem+json",
          ...(method === "POST" && { "content-type": "application/json" }),
          [TIMESTAMP_HEADER]: timestamp,
          [SIGNATURE_HEADER]: signature,
        },
        redirect: "manual", // a signed request goes nowhere else
        signal: AbortSignal.timeout(timeoutMilliseconds),
      });
      return { status: response.status, body: await response.text() };
    } catch (error) {
      throw new OutcomeUnknown(`The carrier gave no answer: ${faultOf(error)}`);
    }
  };

  return carrierOver(metrics === undefined ? send : measured(metrics, "Carrier", send, ({ status }) => status), answersAreFinal);
}

/** What the carrier said, in its own words; domain/top-up-outcomes.ts says what they mean. */
function topUpAnswer({ status, body }: CarrierResponse): TopUpAnswer {
  const document = jsonIn(body);
  const reply = topUpReply.safeParse(document);
  if (status !== 200 || !reply.success) return { kind: "other", status, problem: carrierProblem.safeParse(document).data?.type };
  const { data } = reply;
  return data.status === "credited"
    ? { kind: "credited", reference: data.reference, at: data.at }
    : { kind: "refused", reference: data.reference, code: data.code };
}

function parse<Schema extends z.ZodMiniType>(schema: Schema, { status, body }: CarrierResponse): z.infer<Schema> {
  if (status !== 200) throw new OutcomeUnknown(`The carrier answered ${status}`);
  const result = z.safeParse(schema, jsonIn(body));
  if (result.success) return result.data;
  const places = result.error.issues.map((issue) => `/${issue.path.join("/")}`); // names of fields only: the values are not ours to log
  throw new OutcomeUnknown(`The carrier answered 200 with something that its contract does not allow, at ${places.slice(0, 3).join(", ")}`);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Node names a broken connection in `cause.code` (`ECONNREFUSED`), and a timeout in `name`. */
const connectionFault = z.object({ cause: z.object({ code: z.string() }) });
const namedFault = z.object({ name: z.string() });

function faultOf(error: unknown): string {
  const connection = connectionFault.safeParse(error);
  if (connection.success) return connection.data.cause.code;
  const named = namedFault.safeParse(error);
  return named.success ? named.data.name : "unknown fault";
}

function chunksOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
