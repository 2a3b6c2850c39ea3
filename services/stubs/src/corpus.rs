//! A synthetic corpus with planted topics.
//!
//! Each topic has words of its own. A document is made of its topic's words, a query too, and the
//! vector of a text is the sum of its words' vectors: so the nearest documents of a query are those
//! of its topic, and which documents are relevant is known by construction.

use std::sync::Arc;

use ragdoll_model::{Hit, topology};
use ragdoll_runtime::random::{self, hash, index, sample_tokens};
use ragdoll_runtime::{Stream, Streams};

use crate::index::{Vectors, best, dot};

/// Words of each topic.
const VOCABULARY: usize = 24;
/// Words of a document and of a query that decide their vectors.
const DOCUMENT_WORDS: usize = 12;
const QUERY_WORDS: usize = 6;

/// A document (chunk) of the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its topic.
    pub topic: u32,
    /// Tokens of its text.
    pub tokens: u32,
    /// Bytes of its text.
    pub size_bytes: u64,
}

/// All documents, their vectors, and the words of their topics.
#[derive(Debug)]
pub struct Corpus {
    dimensions: usize,
    documents: Vec<Document>,
    vectors: Vec<f32>,
    index: Vectors,
    /// Words of each document, by their position in the vocabulary of its topic.
    words: Vec<[u8; DOCUMENT_WORDS]>,
    vocabulary: Vec<Vec<String>>,
    queries: Stream,
}

impl Corpus {
    /// The corpus of this seed.
    pub fn new(spec: &topology::Corpus, streams: &Streams) -> Arc<Self> {
        let random = streams.stream("corpus");
        let topics = spec.topics.max(1);
        let vocabulary: Vec<Vec<String>> = (0..topics)
            .map(|topic| topic_words(random.child("words"), topic))
            .collect();
        let dimensions = spec.dimensions.max(1) as usize;
        let mut corpus = Corpus {
            dimensions,
            documents: Vec::new(),
            vectors: Vec::new(),
            index: Vectors::new(dimensions),
            words: Vec::new(),
            vocabulary,
            queries: random.child("queries"),
        };
        for number in 0..spec.documents.max(1) {
            let topic = number % topics;
            let mut rng = random.child("documents").at(u64::from(number));
            let is_long =
                spec.long_topic_every > 0 && (topic + 1).is_multiple_of(spec.long_topic_every);
            let factor = if is_long { spec.long_topic_factor } else { 1.0 };
            let tokens = f64::from(sample_tokens(&spec.document_tokens, &mut rng)) * factor;
            let words = &corpus.vocabulary[topic as usize];
            let chosen: [u8; DOCUMENT_WORDS] =
                std::array::from_fn(|_| index(words.len(), &mut rng) as u8);
            let text = chosen.map(|word| words[usize::from(word)].as_str());
            let vector = embed(&text.join(" "), dimensions);
            corpus.index.push(&vector);
            corpus.words.push(chosen);
            corpus.vectors.extend(vector);
            corpus.documents.push(Document {
                topic,
                tokens: tokens as u32,
                size_bytes: (tokens * spec.bytes_per_token) as u64,
            });
        }
        Arc::new(corpus)
    }

    /// Number of topics.
    pub fn topics(&self) -> u32 {
        self.vocabulary.len() as u32
    }

    /// Number of documents.
    pub fn len(&self) -> u32 {
        self.documents.len() as u32
    }

    /// Whether there are no documents; a corpus has at least one.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// The document of this number.
    pub fn document(&self, number: u32) -> Option<&Document> {
        self.documents.get(number as usize)
    }

    /// The vector of the document of this number.
    pub fn vector(&self, number: u32) -> Option<&[f32]> {
        let start = number as usize * self.dimensions;
        self.vectors.get(start..start + self.dimensions)
    }

    /// The words of the document of this number that decide its vector; none for a number that is not there.
    pub fn words(&self, number: u32) -> impl Iterator<Item = &str> {
        let document = self.documents.get(number as usize);
        let topic = document.map_or(0, |document| document.topic as usize);
        let words = self.words.get(number as usize).into_iter().flatten();
        words.map(move |&word| self.vocabulary[topic][usize::from(word)].as_str())
    }

    /// Part number `part` of `parts`: its documents, none of them scored, and their vectors.
    pub(crate) fn part(&self, part: u32, parts: u32) -> impl Iterator<Item = (Hit, &[f32])> {
        let numbers = (0..self.len()).filter(move |number| number % parts == part);
        numbers.map(|number| {
            let document = &self.documents[number as usize];
            let entry = Hit {
                document: number,
                score: 0.0,
                tokens: document.tokens,
                size_bytes: document.size_bytes,
            };
            let vector = self.vector(number).expect("every document has a vector");
            (entry, vector)
        })
    }

    /// Scores found documents anew by `vector`, best first. One that the corpus does not hold keeps the score that
    /// it came with.
    pub(crate) fn rerank(&self, vector: &[f32], hits: &mut [Hit]) {
        for hit in &mut *hits {
            if let Some(document) = self.vector(hit.document)
                && document.len() == vector.len()
            {
                hit.score = dot(vector, document);
            }
        }
        hits.sort_unstable_by(Hit::best_first);
    }

    /// Dimensions of every vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The vector of a text.
    pub fn embed(&self, text: &str) -> Vec<f32> {
        embed(text, self.dimensions)
    }

    /// The text of query number `query`, which asks for `topic`.
    pub fn query_text(&self, query: u32, topic: u32) -> String {
        let mut rng = self.queries.at(u64::from(query));
        let words = &self.vocabulary[topic as usize % self.vocabulary.len()];
        let text: Vec<&str> = (0..QUERY_WORDS)
            .map(|_| words[index(words.len(), &mut rng)].as_str())
            .collect();
        text.join(" ")
    }

    /// The `limit` documents nearest to `vector`, best first: the exact answer.
    pub fn nearest(&self, vector: &[f32], limit: usize) -> Vec<u32> {
        let ranked = best(&self.index.scores(vector), limit);
        ranked.into_iter().map(|(number, _)| number).collect()
    }
}

/// Sum of the words' vectors, of length 1; zero for a text without words. A word's vector is its own
/// and its ending's, as in embeddings made of parts of words: so words with a common ending, as
/// those of a topic have, are near each other.
fn embed(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    for word in text.split_whitespace() {
        add_vector(word, &mut vector);
        add_vector(ending(word), &mut vector);
    }
    let length = dot(&vector, &vector).sqrt();
    if length > 0.0 {
        for value in &mut vector {
            *value /= length;
        }
    }
    vector
}

fn add_vector(part: &str, vector: &mut [f32]) {
    let mut rng = Streams::new(hash(part)).stream("word").rng();
    for value in vector {
        *value += (random::unit(&mut rng) - 0.5) as f32;
    }
}

/// The digits at the end of a word; all of it where there are none.
fn ending(word: &str) -> &str {
    let stem = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
    match &word[stem.len()..] {
        "" => word,
        digits => digits,
    }
}

/// Pronounceable words that no other topic has.
fn topic_words(random: Stream, topic: u32) -> Vec<String> {
    const ONSETS: [&str; 12] = ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t"];
    const VOWELS: [&str; 5] = ["a", "e", "i", "o", "u"];
    let mut rng = random.at(u64::from(topic));
    (0..VOCABULARY)
        .map(|_| {
            let stem: String = (0..3)
                .flat_map(|_| [ONSETS[index(12, &mut rng)], VOWELS[index(5, &mut rng)]])
                .collect();
            format!("{stem}{topic}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus() -> Arc<Corpus> {
        Corpus::new(&topology::Corpus::default(), &Streams::new(1))
    }

    #[test]
    fn the_nearest_documents_of_a_query_are_those_of_its_topic() {
        let corpus = corpus();
        let (mut relevant, mut returned) = (0, 0);
        for query in 0..200 {
            let topic = query % corpus.topics();
            let vector = corpus.embed(&corpus.query_text(query, topic));
            for number in corpus.nearest(&vector, 4) {
                let document = corpus.document(number).expect("a number that was returned");
                relevant += u32::from(document.topic == topic);
                returned += 1;
            }
        }
        let precision = f64::from(relevant) / f64::from(returned);
        assert!(precision > 0.9, "precision {precision}");
    }

    #[test]
    fn partitions_merged_give_the_exact_answer() {
        let corpus = corpus();
        let vector = corpus.embed(&corpus.query_text(3, 7));
        let mut merged: Vec<(u32, f32)> = Vec::new();
        for partition in 0..4 {
            let numbers: Vec<u32> = (partition..corpus.len()).step_by(4).collect();
            let mut index = Vectors::new(corpus.dimensions());
            for &number in &numbers {
                index.push(corpus.vector(number).expect("within the corpus"));
            }
            let found = best(&index.scores(&vector), 10).into_iter();
            merged.extend(found.map(|(position, score)| (numbers[position as usize], score)));
        }
        merged.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        merged.truncate(10);
        let merged: Vec<u32> = merged.into_iter().map(|(number, _)| number).collect();
        assert_eq!(merged, corpus.nearest(&vector, 10));
    }

    #[test]
    fn a_scan_and_a_single_product_give_the_same_bits() {
        let corpus = corpus();
        let vector = corpus.embed(&corpus.query_text(3, 7));
        let scores = corpus.index.scores(&vector);
        for number in 0..corpus.len() {
            let single = dot(&vector, corpus.vector(number).expect("within the corpus"));
            assert_eq!(single.to_bits(), scores[number as usize].to_bits());
        }
    }

    #[test]
    fn long_topics_hold_long_documents() {
        let corpus = corpus();
        let mean = |long: bool| {
            let sizes: Vec<f64> = (0..corpus.len())
                .filter_map(|number| corpus.document(number))
                .filter(|document| ((document.topic + 1) % 8 == 0) == long)
                .map(|document| document.size_bytes as f64)
                .collect();
            sizes.iter().sum::<f64>() / sizes.len() as f64
        };
        let ratio = mean(true) / mean(false);
        assert!((3.5..4.5).contains(&ratio), "ratio {ratio}");
    }
}
