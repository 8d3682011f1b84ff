// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rust source as names, signs and groups; comments are gone, and strings are one
//! token each.

pub(crate) enum Token {
    Name(String),
    Sign(char),
    Text(String),
    Group(char, Vec<Token>),
}

impl Token {
    pub(crate) fn is(&self, sign: char) -> bool {
        matches!(self, Token::Sign(own) if *own == sign)
    }
}

pub(crate) fn read(source: &str) -> Vec<Token> {
    let source: Vec<char> = source.chars().collect();
    let mut reader = Reader { source: &source, at: 0 };
    reader.group()
}

struct Reader<'a> {
    source: &'a [char],
    at: usize,
}

impl Reader<'_> {
    /// Up to the bracket that closes it, or the end.
    fn group(&mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        while let Some(&next) = self.source.get(self.at) {
            match self.source[self.at..] {
                ['/', '/', ..] => self.skip_while(|c| c != '\n'),
                ['/', '*', ..] => self.skip_comment(),
                ['r' | 'b' | 'c', '"', ..]
                | ['b' | 'c', 'r', '"' | '#', ..]
                | ['r', '#', '"' | '#', ..] => {
                    self.skip_while(|c| matches!(c, 'b' | 'c'));
                    tokens.push(self.string());
                }
                ['"', ..] => tokens.push(self.string()),
                ['\'', '\\', ..] => {
                    self.at += 3;
                    self.skip_while(|c| c != '\'');
                    self.at += 1;
                }
                ['\'', _, '\'', ..] => self.at += 3,
                ['(' | '[' | '{', ..] => {
                    self.at += 1;
                    tokens.push(Token::Group(next, self.group()));
                }
                [')' | ']' | '}', ..] => {
                    self.at += 1;
                    return tokens;
                }
                _ if next.is_alphanumeric() || next == '_' => {
                    let start = self.at;
                    self.skip_while(|c| c.is_alphanumeric() || c == '_');
                    tokens.push(Token::Name(self.source[start..self.at].iter().collect()));
                }
                _ => {
                    if !next.is_whitespace() {
                        tokens.push(Token::Sign(next));
                    }
                    self.at += 1;
                }
            }
        }
        tokens
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        let rest = &self.source[self.at..];
        self.at += rest.iter().position(|c| !wanted(*c)).unwrap_or(rest.len());
    }

    fn skip_comment(&mut self) {
        let mut depth = 0;
        loop {
            match self.source[self.at..] {
                ['/', '*', ..] => (depth, self.at) = (depth + 1, self.at + 2),
                ['*', '/', ..] => (depth, self.at) = (depth - 1, self.at + 2),
                [_, ..] => self.at += 1,
                [] => return,
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// A string, plain or raw, without what stands before it but `r` and `#`.
    fn string(&mut self) -> Token {
        let raw = self.source[self.at] == 'r';
        self.at += usize::from(raw);
        let start = self.at;
        self.skip_while(|c| c == '#');
        let hashes = self.at - start;
        self.at += 1;
        let start = self.at;
        while self.at < self.source.len() {
            match self.source[self.at] {
                '\\' if !raw => self.at += 1,
                '"' if self.source[self.at + 1..].iter().take_while(|c| **c == '#').count()
                    >= hashes =>
                {
                    break;
                }
                _ => {}
            }
            self.at += 1;
        }
        let text = self.source[start..self.at].iter().collect();
        self.at += 1 + hashes;
        Token::Text(text)
    }
}
