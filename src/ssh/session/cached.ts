/** Asks once for each word, and gives the same answer from then on. */
export function cached<T>(ask: (word: string) => Promise<T>): (word: string) => Promise<T> {
  const answers = new Map<string, Promise<T>>()
  return (word) => {
    const answer = answers.get(word) ?? ask(word)
    answers.set(word, answer)
    return answer
  }
}
