import * as z from "zod/mini";
import type { Routes } from "./route.ts";

export const apiDocsRoutes = {
  readOpenApi: {
    method: "GET",
    path: "/openapi.json",
    function: "api-docs",
    summary: "Read this document",
    replies: { 200: { says: "The OpenAPI document of this API.", body: z.looseObject({ openapi: z.string() }) } },
    problems: [],
  },
  readApiPage: {
    method: "GET",
    path: "/docs",
    function: "api-docs",
    summary: "Read this document as a page",
    replies: { 200: { says: "The same, to be read by people.", body: z.string(), type: "text/html" } },
    problems: [],
  },
} as const satisfies Routes;
