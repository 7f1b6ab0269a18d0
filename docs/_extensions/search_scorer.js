// How the site's search reads a question and ranks pages. Sphinx puts this before its own script.

/** Which pages answer a question rather than mention its words, by the beginning of their names. */
const WEIGHTS = [
  ["how-to/index", 0.5],
  ["how-to/", 4],
  ["tutorials/", 3],
  ["explanation/decisions", 0.2],
  ["explanation/", 2],
  ["reference/rest", 0.2],
  ["reference/", 1],
  ["", 0.2],
];

/** How many words of the question are in a title, by their first letters, since words are inflected. */
const wordsIn = (title) =>
  splitQuery(new URLSearchParams(location.search).get("q") ?? "").filter(
    (word) => !stopwords.has(word) && title.toLowerCase().includes(word.slice(0, 4))
  ).length;

var Scorer = {
  score: ([docname, title, , , score]) =>
    (score + wordsIn(title)) * WEIGHTS.find(([beginning]) => docname.startsWith(beginning))[1],
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

/** Chinese has no spaces between words; the index has words of two letters and more. */
var splitQuery = (query) =>
  [...new Intl.Segmenter(document.documentElement.lang, { granularity: "word" }).segment(query.toLowerCase())]
    .filter(({ isWordLike, segment }) => isWordLike && !/^\p{Script=Han}$/u.test(segment))
    .map(({ segment }) => segment);
