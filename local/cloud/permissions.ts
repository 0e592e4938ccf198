import { runSimulation } from "@cloud-copilot/iam-simulate";
import { LOCAL_ACCOUNT, type PropertiesOf } from "./supported-resources.ts";
import type { StackGraph } from "./template.ts";
import { UnsupportedTemplate } from "./unsupported-template.ts";

type Statement = PropertiesOf<"AWS::IAM::Policy">["PolicyDocument"]["Statement"][number];

/** A role of the templates, with all that its policies say. */
export interface Role {
  readonly arn: string;
  readonly name: string;
  readonly logicalId: string;
  readonly statements: readonly Statement[];
}

/** What AWS answers: `not-applicable` when there is no such action, or when it is not done to such a resource. */
export type Decision = "allowed" | "denied" | "not-applicable";

/** Who may do what, decided by the templates' roles as IAM would. */
export interface Permissions {
  readonly roles: readonly Role[];
  /** `action` such as `sqs:SendMessage`, `resource` an ARN, or `*` for what has none, such as a phone number; `context` by IAM's condition keys. */
  decide(roleArn: string, action: string, resource: string, context?: Readonly<Record<string, string>>): Promise<Decision>;
}

/** Callers here speak no TLS and have no region; they stand for callers who do. */
const CONTEXT = { "aws:SecureTransport": "true" };

/** How iam-simulate 0.1 says so. */
const NOT_APPLICABLE = ["invalid.service", "invalid.action", "must.use.wildcard", "no.resource.types"];

export function readPermissions(graph: StackGraph): Permissions {
  const policies = graph.list("AWS::IAM::Policy");
  const roles = graph.list("AWS::IAM::Role").map(({ arn, name, logicalId, properties }): Role => {
    const attached = policies.filter((policy) => policy.properties.Roles.includes(name)).map((policy) => policy.properties.PolicyDocument);
    const inline = (properties.Policies ?? []).map(({ PolicyDocument }) => PolicyDocument);
    return { arn, name, logicalId, statements: [...attached, ...inline].flatMap(({ Statement }) => Statement) };
  });
  const byArn = new Map(roles.map((role) => [role.arn, role]));
  /** Policies do not change while a stack runs, and its functions do the same few things over and over. */
  const known = new Map<string, Promise<Decision>>();

  return {
    roles,
    decide(roleArn, action, resource, context = {}) {
      const key = JSON.stringify([roleArn, action, resource, context]);
      const decision = known.get(key) ?? simulate(byArn.get(roleArn), action, resource, context);
      known.set(key, decision);
      return decision;
    },
  };
}

async function simulate(role: Role | undefined, action: string, resource: string, context: Readonly<Record<string, string>>): Promise<Decision> {
  if (role === undefined) return "denied";
  const result = await runSimulation(
    {
      request: { principal: role.arn, action, resource: { resource, accountId: LOCAL_ACCOUNT }, contextVariables: { ...CONTEXT, ...context } },
      identityPolicies: [{ name: role.name, policy: { Version: "2012-10-17", Statement: role.statements } }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  if (result.resultType !== "error") return result.overallResult === "Allowed" ? "allowed" : "denied";
  const { message, identityPolicyErrors } = result.errors;
  if (identityPolicyErrors !== undefined)
    throw new UnsupportedTemplate(`IAM would refuse the policies of ${role.name}: ${JSON.stringify(identityPolicyErrors)}`);
  if (!NOT_APPLICABLE.includes(message)) throw new Error(`Whether ${role.name} may ${action} on ${resource} cannot be decided: ${message}`);
  return "not-applicable";
}

/** What Lambda needs to poll a queue. Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions */
const POLLING = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

/** Throws UnsupportedTemplate where a queue's function may not poll it, which Lambda refuses to deploy, or a schedule may not send, which nobody would notice. */
export async function refuseUselessRoles(graph: StackGraph, permissions: Permissions): Promise<void> {
  const roleOf = new Map(graph.list("AWS::Lambda::Function").flatMap(({ name, arn, properties: { Role } }) => [[name, Role] as const, [arn, Role] as const]));
  const polled = graph
    .list("AWS::Lambda::EventSourceMapping")
    .flatMap(({ logicalId, properties: { FunctionName, EventSourceArn } }) =>
      POLLING.map((action) => ({ logicalId, role: roleOf.get(FunctionName) ?? "", action, queue: EventSourceArn })),
    );
  const scheduled = graph.list("AWS::Scheduler::Schedule").flatMap(({ logicalId, properties: { Target } }) =>
    [Target.Arn, ...(Target.DeadLetterConfig === undefined ? [] : [Target.DeadLetterConfig.Arn])].map((queue) => ({
      logicalId,
      role: Target.RoleArn,
      action: "sqs:SendMessage",
      queue,
    })),
  );
  for (const { logicalId, role, action, queue } of [...polled, ...scheduled]) {
    if ((await permissions.decide(role, action, queue)) !== "allowed")
      throw new UnsupportedTemplate(`${logicalId} would not work: its role may not ${action} on ${queue}. Grant it in infra/`);
  }
}
