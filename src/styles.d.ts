/** A style sheet as text, for the bundler of the Hub's page. */
declare module '*.css?inline' {
  const text: string;
  export default text;
}

declare module '*.css';
