import type { APIGatewayProxyStructuredResultV2 as Result } from "aws-lambda";
import type { OpenApi } from "../../contracts/openapi.ts";
import { renderPage } from "./render-page.ts";

/** It changes with a deployment only. */
const KEPT_SECONDS = 300;

/** The document, with this stage's issuer in it. Anybody's web page may read it. */
export function answerDocument(document: OpenApi, issuerUrl: string): Result {
  return answer("application/json", JSON.stringify(withIssuer(document, issuerUrl)), { "access-control-allow-origin": "*" });
}

/** The same for people. Nothing in it is run, and nothing is loaded. */
export function answerPage(document: OpenApi, issuerUrl: string): Result {
  return answer("text/html; charset=utf-8", renderPage(withIssuer(document, issuerUrl)), {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  });
}

function withIssuer(document: OpenApi, issuerUrl: string): OpenApi {
  const { signIn } = document.components.securitySchemes;
  const openIdConnectUrl = `${issuerUrl.replace(/\/$/, "")}${signIn.openIdConnectUrl}`;
  return { ...document, components: { ...document.components, securitySchemes: { signIn: { ...signIn, openIdConnectUrl } } } };
}

function answer(type: string, body: string, headers: Readonly<Record<string, string>>): Result {
  return {
    statusCode: 200,
    headers: {
      "content-type": type,
      "cache-control": `public, max-age=${KEPT_SECONDS}`,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      ...headers,
    },
    body,
  };
}
