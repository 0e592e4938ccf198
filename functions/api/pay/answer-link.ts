import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 as Result } from "aws-lambda";
import * as z from "zod/mini";
import { PATH_PARAMETERS } from "../../contracts/parameters.ts";
import { payLinkReply } from "../../contracts/pay-links.ts";
import { HttpProblem } from "../problem.ts";
import { type CallOffPorts, callOff } from "./call-off.ts";
import { type FindPaymentPorts, type FoundPayment, findPayment, paymentView } from "./find-payment.ts";

export type PayRequest = Pick<APIGatewayProxyEventV2, "pathParameters" | "headers">;

/** What a link is about, for an app. */
export async function readPayLink(ports: FindPaymentPorts, request: PayRequest): Promise<Result> {
  return answer(ports, await findPayment(ports, tokenOf(request)));
}

/** Declines or skips it. */
export async function callOffPayLink(ports: CallOffPorts, request: PayRequest): Promise<Result> {
  return answer(ports, await callOff(ports, tokenOf(request)));
}

/** A text that no link has is answered as one that is not ours. */
export function tokenOf({ pathParameters }: PayRequest): string {
  const token = z.safeParse(PATH_PARAMETERS.token, pathParameters?.token);
  if (!token.success) throw new HttpProblem(404, "not-found", "There is no such link: perhaps a part of it is missing");
  return token.data;
}

async function answer(ports: FindPaymentPorts, found: FoundPayment): Promise<Result> {
  const body = z.parse(payLinkReply, await paymentView(ports, found));
  return { statusCode: 200, headers: { "content-type": "application/json", "cache-control": "no-store" }, body: JSON.stringify(body) };
}
