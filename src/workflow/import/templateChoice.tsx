import { useId } from 'react';

/** Radio buttons with the title and the description of each template. */
export function TemplateChoice(props: {
  legend: string;
  templates: readonly { key: string; title: string; description: string }[];
  value: string;
  onChange: (key: string) => void;
}): JSX.Element {
  const { legend, templates, value, onChange } = props;
  const name = useId();
  return (
    <fieldset>
      <legend>{legend}</legend>
      {templates.map(({ key, title, description }) => (
        <label key={key} className="jp-mlws-NewWorkflow-choice">
          <input
            type="radio"
            name={name}
            value={key}
            checked={value === key}
            onChange={() => onChange(key)}
          />
          <span>
            <strong>{title}</strong>
            <br />
            {description}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
