import type { RegistrationFault } from "./issuer-users.ts";

/** The pages of the local sign-in, in the reader's language. */

export type PageLanguage = "zh-CN" | "en";
export type PageName = "login" | "signup";
export type PageFault = RegistrationFault | "wrong-password" | "too-late";

interface Words {
  readonly login: string;
  readonly signup: string;
  readonly username: string;
  readonly password: string;
  readonly toLogin: string;
  readonly toSignup: string;
  readonly note: string;
  readonly faults: Readonly<Record<PageFault, string>>;
}

const WORDS: Readonly<Record<PageLanguage, Words>> = {
  "zh-CN": {
    login: "登录",
    signup: "注册",
    username: "电子邮箱或手机号（例如 +8613800000000）",
    password: "密码",
    toLogin: "已有账号？登录",
    toSignup: "没有账号？注册",
    note: "本机登录页面，仅用于开发和测试",
    faults: {
      "wrong-password": "用户名或密码不正确。",
      "bad-username": "请输入电子邮箱，或带国家代码的手机号，例如 +8613800000000。",
      "short-password": "密码至少需要 {length} 个字符。",
      "username-taken": "该账号已存在，请登录。",
      "too-late": "登录请求已过期，请返回应用重新开始。",
    },
  },
  en: {
    login: "Sign in",
    signup: "Create an account",
    username: "E-mail address or phone number (such as +8613800000000)",
    password: "Password",
    toLogin: "Have an account? Sign in",
    toSignup: "New here? Create an account",
    note: "The local sign-in, for development and tests",
    faults: {
      "wrong-password": "Incorrect username or password.",
      "bad-username": "Enter an e-mail address, or a phone number with its country code, such as +8613800000000.",
      "short-password": "The password must have at least {length} characters.",
      "username-taken": "There is such an account already: sign in.",
      "too-late": "This sign-in has expired: go back to the app and start again.",
    },
  },
};

/** As asked for with `lang`, as at Cognito; else what the browser would rather read. */
export function pageLanguage(asked: unknown, acceptLanguage: string | undefined): PageLanguage {
  const text = typeof asked === "string" && asked !== "" ? asked : (acceptLanguage ?? "");
  return /^\s*zh\b/i.test(text) ? "zh-CN" : "en";
}

export interface Page {
  readonly name: PageName;
  readonly language: PageLanguage;
  /** Where the form is sent. */
  readonly action: string;
  /** Where the other page is. */
  readonly other: string;
  readonly passwordLength: number;
  readonly username?: string;
  readonly fault?: PageFault | undefined;
}

export function formPage({ name, language, action, other, passwordLength, username = "", fault }: Page): string {
  const words = WORDS[language];
  const autocomplete = name === "login" ? "current-password" : "new-password";
  const told = fault === undefined ? "" : `<p role="alert">${escaped(words.faults[fault].replace("{length}", String(passwordLength)))}</p>`;
  return document(
    language,
    words[name],
    `${told}
<form method="post" action="${escaped(action)}">
<label>${escaped(words.username)}<input name="username" value="${escaped(username)}" autocomplete="username" required autofocus></label>
<label>${escaped(words.password)}<input name="password" type="password" autocomplete="${autocomplete}" required></label>
<button>${escaped(words[name])}</button>
</form>
<p><a href="${escaped(other)}">${escaped(name === "login" ? words.toSignup : words.toLogin)}</a></p>`,
  );
}

export function faultPage(language: PageLanguage, fault: PageFault): string {
  return document(language, WORDS[language].login, `<p role="alert">${escaped(WORDS[language].faults[fault])}</p>`);
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:22rem;margin:10vh auto;padding:0 1rem;color:#1b1f24}
label{display:block;margin:0 0 1rem}input{display:block;width:100%;box-sizing:border-box;padding:.6rem;font:inherit;border:1px solid #8c959f;border-radius:6px}
button{width:100%;padding:.7rem;font:inherit;color:#fff;background:#0a58ca;border:0;border-radius:6px}[role=alert]{color:#b42318}small{color:#57606a}`;

function document(language: PageLanguage, title: string, body: string): string {
  return `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escaped(title)}</title>
<style>${STYLE}</style></head>
<body><main><h1>${escaped(title)}</h1>
${body}
<small>${escaped(WORDS[language].note)}</small></main></body></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
