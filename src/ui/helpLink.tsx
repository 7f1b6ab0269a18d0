import type { TranslationBundle } from '@jupyterlab/translation';

/**
 * A link to a page of the reference, which the lab opens (`help/plugin.ts`).
 *
 * `page`: its id, and after a `#` the setting that is meant.
 */
export function HelpLink(props: {
  page: string;
  /** What the page is about. */
  subject: string;
  /** Shown in place of a question mark. */
  text?: string;
  trans: TranslationBundle;
}): JSX.Element {
  const label = props.trans.__('Help on %1', props.subject);
  return (
    <a
      // Not a button: it works within a form that is disabled, too.
      href={`#${props.page}`}
      className="jp-mlws-HelpLink"
      data-mlws-help={props.page}
      aria-label={label}
      title={label}
    >
      {props.text ?? '?'}
    </a>
  );
}
