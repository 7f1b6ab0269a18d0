/** Tabs that the arrow keys walk through. */
export function Tabs<T extends string>(props: {
  label: string;
  className: string;
  tabs: readonly (readonly [name: T, label: string])[];
  tab: T;
  /** False while no tab is shown. */
  isOpen?: boolean;
  onChange: (tab: T) => void;
}): JSX.Element {
  const { label, className, tabs, tab, isOpen = true, onChange } = props;
  return (
    <div
      className={className}
      role="tablist"
      aria-label={label}
      onKeyDown={event => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step) {
          const index = tabs.findIndex(([name]) => name === tab);
          const next = (index + step + tabs.length) % tabs.length;
          onChange(tabs[next][0]);
          event.currentTarget.querySelectorAll('button')[next].focus();
        }
      }}
    >
      {tabs.map(([name, text]) => (
        <button
          key={name}
          role="tab"
          data-mlws-tab={name}
          aria-selected={isOpen && tab === name}
          tabIndex={tab === name ? 0 : -1}
          onClick={() => onChange(name)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
