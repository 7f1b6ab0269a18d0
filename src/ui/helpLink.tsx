import type { TranslationBundle } from '@jupyterlab/translation';

/**
 * A link to a page of the reference, which the lab opens (`help/plugin.ts`).
 *
 * `page`: its id, and after a `#` the setting that is meant.
 */
export function HelpLink(props: {
  page: string;
  /** Subject of the page. */
  subject: string;
  /** Shown in place of a question mark. */
  text?: string;
  trans: TranslationBundle;
}): JSX.Element {
  return (
    <a
      // Not a button: it works within a form that is disabled, too.
      href={`#${props.page}`}
      className="jp-mlws-HelpLink"
      data-mlws-help={props.page}
      // Also its name for screen readers, without the question mark.
      title={props.trans.__('Help on %1', props.subject)}
    >
      {props.text ?? <span aria-hidden="true">?</span>}
    </a>
  );
}
