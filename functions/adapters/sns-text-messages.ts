import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import type { TextMessages } from "../domain/ports.ts";
import { AWS_LIMITS } from "./aws-limits.ts";

/** Sends text messages to phones through SNS; `Transactional` is what AWS delivers with priority. Source: https://docs.aws.amazon.com/sns/latest/dg/sms_sending-overview.html */
export function snsTextMessages(client: Pick<SNSClient, "send">): TextMessages {
  return {
    async send({ to, text }) {
      const command = new PublishCommand({
        PhoneNumber: to,
        Message: text,
        MessageAttributes: { "AWS.SNS.SMS.SMSType": { DataType: "String", StringValue: "Transactional" } },
      });
      try {
        await client.send(command);
      } catch (error) {
        // Without the cause: SNS may name the number in its messages, and this one is logged.
        throw new Error(`SNS did not take the text message: ${error instanceof Error ? error.name : "unknown"}`);
      }
    },
  };
}

export function sns(): SNSClient {
  return new SNSClient(AWS_LIMITS);
}
