// Reads the code blocks of the documents, for the tests that run them.

/**
 * Every fenced block of a page.
 * @returns for each its page, the line of its first line of code, the first word behind the fence, the words after it, and its text
 */
export function codeBlocks(page, text) {
  return [...text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map((match) => {
    const [language, ...flags] = match[1].split(' ')
    return { page, line: text.slice(0, match.index).split('\n').length + 1, language, flags, text: match[2] }
  })
}

const DOCKER_KEYWORDS = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'USER', 'CMD', 'ENV', 'EXPOSE', 'ARG', 'LABEL', 'ENTRYPOINT']

/**
 * Reads a Dockerfile as far as the guides use one: an instruction a line, no heredoc.
 * @returns for each instruction its keyword and its argument
 * @throws Error for a line that is no instruction
 */
export function dockerInstructions(text) {
  const lines = text.replaceAll(/\\\n/g, ' ').split('\n')
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, keyword = '', argument = ''] = /^([A-Z]+)\s+(.+)$/.exec(line) ?? []
      if (!DOCKER_KEYWORDS.includes(keyword)) throw new Error(`"${line}" is no instruction of a Dockerfile`)
      return { keyword, argument }
    })
}
