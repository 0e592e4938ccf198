import document from "../../../docs/openapi.json" with { type: "json" };
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { apiDocsRoutes } from "../../contracts/api-docs.ts";
import { readEnvironment } from "../../contracts/environment.ts";
import { apiHandler } from "../pipeline.ts";
import { answerDocument, answerPage } from "./answer-docs.ts";

const environment = readEnvironment("api-docs", process.env);

export const handler = apiHandler(powertoolsLog("api-docs"), [
  { ...apiDocsRoutes.readOpenApi, respond: async () => answerDocument(document, environment.ISSUER_URL) },
  { ...apiDocsRoutes.readApiPage, respond: async () => answerPage(document, environment.ISSUER_URL) },
]);
