/** What the Hub's service writes into its page. */
export interface IConfig {
  /** Where the service is: "/services/mlws/", after the Hub's own prefix. */
  baseUrl: string;
  user: string;
  admin: boolean;
  /** "en" or "zh-CN". */
  language: string;
  xsrf: string;
}

export function readConfig(root: HTMLElement): IConfig {
  return JSON.parse(root.dataset.config ?? '{}');
}

/** The Hub's own page, where people start and where they sign out. */
export function hubHome(config: IConfig): string {
  return `${config.baseUrl.replace(/services\/[^/]+\/$/, '')}hub/home`;
}
