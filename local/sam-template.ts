import { relative } from "node:path";
import { givenVariables } from "./cloud/functions.ts";
import type { RunningStack } from "./running-stack.ts";

/** An event by which SAM's own gateway serves a route. Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-httpapi.html */
export interface SamRoute {
  readonly Type: "HttpApi";
  readonly Properties: { readonly Method: string; readonly Path: string; readonly PayloadFormatVersion: "2.0" };
}

/** Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html */
export interface SamFunction {
  readonly Type: "AWS::Serverless::Function";
  readonly Properties: {
    readonly FunctionName: string;
    readonly CodeUri: string;
    readonly Handler: string;
    readonly Runtime: string;
    readonly Architectures: readonly ["arm64" | "x86_64"];
    readonly MemorySize: number;
    readonly Timeout: number;
    readonly Environment: { readonly Variables: Readonly<Record<string, string>> };
    readonly Events?: Readonly<Record<string, SamRoute>>;
  };
}

export interface SamTemplate {
  readonly AWSTemplateFormatVersion: "2010-09-09";
  readonly Transform: "AWS::Serverless-2016-10-31";
  readonly Description: string;
  readonly Resources: Readonly<Record<string, SamFunction>>;
}

export interface SamOptions {
  /** By which name a function in a container reaches this machine. */
  readonly host: string;
  /** Where the template will stand: the code's folders are named from there. */
  readonly folder: string;
  /** Of this machine: the bundles run on any, and SAM would emulate another. */
  readonly architecture: "arm64" | "x86_64";
}

/**
 * The functions of a running stack as the SAM CLI runs them, each under the id of its construct, with every value written out.
 *
 * SAM gives a function no variable that is not in its template, leaves those empty whose value is no text, and asks no authorizer: so all variables are
 * here, and only the routes that ask for no token.
 */
export function samTemplate(stack: RunningStack, { host, folder, architecture }: SamOptions): SamTemplate {
  const functions = stack.functions.map((described): [string, SamFunction] => {
    const variables = Object.entries(givenVariables(described, stack)).map(([name, value]) => [name, seenFrom(host, value)]);
    const routes = stack.publicRoutes.filter(({ functionName }) => functionName === described.arn).map(({ routeKey }) => samRoute(routeKey));
    return [
      described.id,
      {
        Type: "AWS::Serverless::Function",
        Properties: {
          FunctionName: described.name,
          CodeUri: relative(folder, described.folder),
          Handler: described.handler,
          Runtime: described.runtime,
          Architectures: [architecture],
          MemorySize: described.memoryMegabytes,
          Timeout: described.timeoutSeconds,
          Environment: { Variables: Object.fromEntries(variables) },
          ...(routes.length > 0 && { Events: Object.fromEntries(routes) }),
        },
      },
    ];
  });
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Transform: "AWS::Serverless-2016-10-31",
    Description: `For the SAM CLI on this machine only, around the local stack at ${stack.url}`,
    Resources: Object.fromEntries(functions),
  };
}

/** Addresses of this machine as they are from where it has another name. */
function seenFrom(host: string, value: string): string {
  return value.replaceAll("http://127.0.0.1:", `http://${host}:`);
}

function samRoute(routeKey: string): [string, SamRoute] {
  const [method = "", path = ""] = routeKey.split(" ");
  const words = [method.toLowerCase(), ...path.split(/\W+/)].filter((word) => word !== "");
  const id = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(""); // a logical id has letters and digits only
  return [id, { Type: "HttpApi", Properties: { Method: method, Path: path, PayloadFormatVersion: "2.0" } }];
}
