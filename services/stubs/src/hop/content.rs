//! What a request is about, on its way through a service and between services.

use std::collections::BTreeMap;

use ragdoll_model::Hit;
use ragdoll_model::api::QueryRequest;
use ragdoll_model::proto::{Content, Hits};

use super::fusion::fused;

/// A question, and what was made of it so far. An answer holds only what is new in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Carried {
    content: Content,
    /// Documents found here, or by those called, by what they were compared by.
    found: BTreeMap<u32, Vec<Hit>>,
    is_embedded: bool,
}

/// The number of a list that is a merge of others, or was put in another order: none is like it.
const MADE_HERE: u32 = 0;

impl Carried {
    /// A user's question.
    pub(super) fn of_question(request: &QueryRequest) -> Carried {
        let words = request.query.split_whitespace().count() as u32;
        Carried::received(Content {
            query: request.query.clone(),
            top_k: request.top_k,
            prompt_tokens: request.prompt_tokens.unwrap_or(words),
            total_prompt_tokens: request.total_prompt_tokens.unwrap_or(0),
            output_tokens: request.max_tokens,
            ..Content::default()
        })
    }

    /// What a caller sent.
    pub(super) fn received(content: Content) -> Carried {
        Carried {
            content,
            ..Carried::default()
        }
    }

    /// The question.
    pub(super) fn query(&self) -> &str {
        &self.content.query
    }

    /// Tokens to generate, at least 1.
    pub(super) fn output_tokens(&self) -> u32 {
        self.content.output_tokens.max(1)
    }

    /// Tokens of the prompt, documents included, at least 1.
    pub(super) fn prompt_tokens(&self) -> u32 {
        if self.content.total_prompt_tokens > 0 {
            return self.content.total_prompt_tokens;
        }
        let documents = self.hits().into_iter().map(|hit| hit.tokens);
        documents
            .fold(self.content.prompt_tokens, u32::saturating_add)
            .max(1)
    }

    /// Makes the prompt longer.
    pub(super) fn add_tokens(&mut self, tokens: u32) {
        let prompt = &mut self.content.prompt_tokens;
        *prompt = prompt.saturating_add(tokens);
        if self.content.total_prompt_tokens > 0 {
            let total = &mut self.content.total_prompt_tokens;
            *total = total.saturating_add(tokens);
        }
    }

    /// The question's vector in the wire's form; empty where nobody has made it.
    pub(super) fn vector(&self) -> &[u8] {
        &self.content.vector
    }

    /// Keeps the question's vector.
    pub(super) fn embed(&mut self, vector: bytes::Bytes) {
        self.content.vector = vector;
        self.is_embedded = true;
    }

    /// Adds documents that a search by `by`, a number of [`ragdoll_model::stages::SearchBy`], found.
    pub(super) fn add_found(&mut self, by: u32, hits: impl IntoIterator<Item = Hit>) {
        self.found.entry(by).or_default().extend(hits);
    }

    /// Puts documents in the place of all that were found.
    pub(super) fn replace_hits(&mut self, hits: Vec<Hit>) {
        self.found = BTreeMap::from([(MADE_HERE, hits)]);
    }

    /// The documents found, best first: those of here, and where nothing was searched, the caller's.
    pub(super) fn hits(&self) -> Vec<Hit> {
        match self.found.is_empty() {
            true => self.content.hits.iter().flat_map(Hits::iter).collect(),
            false => fused(self.found.values()),
        }
    }

    /// Whether nobody is to do more for the request.
    pub(super) fn is_ended(&self) -> bool {
        self.content.ended
    }

    /// Says that nobody is to do more for it.
    pub(super) fn end(&mut self) {
        self.content.ended = true;
    }

    /// What a callee gets: everything.
    pub(super) fn question(&self) -> Content {
        let mut content = self.content.clone();
        if !self.found.is_empty() {
            content.hits = Some(self.hits().into_iter().collect());
        }
        content
    }

    /// What the caller gets: what is new.
    pub(super) fn answer(&self) -> Content {
        let mut answer = Content {
            ended: self.content.ended,
            ..Content::default()
        };
        if self.is_embedded {
            answer.vector.clone_from(&self.content.vector);
        }
        if !self.found.is_empty() {
            answer.hits = Some(self.hits().into_iter().collect());
            answer.searched_by = match self.found.keys().collect::<Vec<_>>()[..] {
                [only] => *only,
                _ => MADE_HERE,
            };
        }
        answer
    }

    /// Takes in what a callee answered.
    pub(super) fn merge(&mut self, answer: Content) {
        self.content.ended |= answer.ended;
        if !answer.vector.is_empty() {
            self.content.vector = answer.vector;
            self.is_embedded = true;
        }
        let Some(hits) = answer.hits else {
            return;
        };
        let hits: Vec<Hit> = hits.iter().collect();
        match answer.searched_by {
            // It had what was found here before, and made something better of it.
            MADE_HERE => self.replace_hits(hits),
            by => self.add_found(by, hits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(document: u32, score: f32) -> Hit {
        Hit {
            document,
            score,
            tokens: 100,
            size_bytes: 400,
        }
    }

    fn numbers(carried: &Carried) -> Vec<u32> {
        carried.hits().iter().map(|hit| hit.document).collect()
    }

    fn question() -> Carried {
        let request: QueryRequest =
            serde_json::from_str(r#"{ "query": "where is it" }"#).expect("a query");
        Carried::of_question(&request)
    }

    /// What a service that searches answers to `asked`.
    fn search(asked: &Carried, by: u32, hits: &[Hit]) -> Content {
        let mut there = Carried::received(asked.question());
        there.add_found(by, hits.to_vec());
        there.answer()
    }

    #[test]
    fn parts_of_one_index_are_merged_by_score_and_a_reranked_list_takes_their_place() {
        let mut asked = question();
        let parts = [
            search(&asked, 1, &[hit(1, 0.9), hit(3, 0.2)]),
            search(&asked, 1, &[hit(2, 0.5)]),
        ];
        parts.into_iter().for_each(|part| asked.merge(part));
        assert_eq!(numbers(&asked), [1, 2, 3]);
        let mut reranker = Carried::received(asked.question());
        assert_eq!(numbers(&reranker), [1, 2, 3], "it gets what was found");
        reranker.replace_hits(vec![hit(3, 2.0), hit(1, 1.0)]);
        asked.merge(reranker.answer());
        assert_eq!(numbers(&asked), [3, 1]);
        assert_eq!(asked.prompt_tokens(), 203, "two documents and three words");
    }

    #[test]
    fn an_answer_holds_only_what_is_new() {
        let mut asked = question();
        asked.add_found(1, [hit(1, 0.9)]);
        let there = Carried::received(asked.question());
        assert_eq!(there.answer(), Content::default());
        asked.merge(there.answer());
        assert_eq!(numbers(&asked), [1]);
        let mut guard = Carried::received(asked.question());
        guard.end();
        asked.merge(guard.answer());
        assert!(asked.is_ended());
    }
}
