//! Documents found by their words: BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009).

use std::collections::BTreeMap;

/// How much a word counts that a document has again and again, and how much a document's length counts: as Lucene
/// has them (`BM25Similarity`).
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// The words of some documents, by position.
#[derive(Debug)]
pub(crate) struct Keywords {
    /// Which documents have a word, and how often.
    postings: BTreeMap<String, Vec<(u32, f32)>>,
    lengths: Vec<f32>,
    mean_length: f32,
}

impl Keywords {
    /// An index of texts, each as its words.
    pub(crate) fn new<'t, T: Iterator<Item = &'t str>>(texts: impl Iterator<Item = T>) -> Keywords {
        let mut postings: BTreeMap<String, Vec<(u32, f32)>> = BTreeMap::new();
        let mut lengths = Vec::new();
        for (position, text) in (0_u32..).zip(texts) {
            let mut length = 0.0;
            for word in text {
                length += 1.0;
                let documents = postings.entry(word.to_owned()).or_default();
                match documents.last_mut() {
                    Some((last, count)) if *last == position => *count += 1.0,
                    _ => documents.push((position, 1.0)),
                }
            }
            lengths.push(length);
        }
        let mean_length = lengths.iter().sum::<f32>() / (lengths.len().max(1) as f32);
        Keywords {
            postings,
            lengths,
            mean_length,
        }
    }

    /// The score of every document for a question, by position; 0 for one that has none of its words.
    pub(crate) fn scores(&self, query: &str) -> Vec<f32> {
        let count = self.lengths.len() as f32;
        let mut scores = vec![0.0; self.lengths.len()];
        for word in query.split_whitespace() {
            let Some(documents) = self.postings.get(word) else {
                continue;
            };
            let having = documents.len() as f32;
            let rarity = (1.0 + (count - having + 0.5) / (having + 0.5)).ln();
            for &(position, times) in documents {
                let length = self.lengths[position as usize] / self.mean_length;
                let saturated = times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * length));
                scores[position as usize] += rarity * saturated;
            }
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_count_for_more_than_frequent_ones_and_short_texts_for_more_than_long_ones() {
        let texts = [
            "lease law",
            "law law law law law law",
            "law of the sea",
            "bread",
        ];
        let index = Keywords::new(texts.iter().map(|text| text.split(' ')));
        let scores = index.scores("lease");
        assert!(scores[0] > 0.0);
        assert_eq!(scores[1..], [0.0; 3]);
        let scores = index.scores("law");
        assert!(scores[0] > scores[2], "{scores:?}");
        assert_eq!(scores[3], 0.0);
        let both = index.scores("lease law");
        let (lease, law) = (index.scores("lease")[0], scores[0]);
        assert!((both[0] - lease - law).abs() < 1e-6 && lease > law);
    }
}
