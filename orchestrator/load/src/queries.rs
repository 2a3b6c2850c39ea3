//! What requests ask.

use ragdoll_model::{RequestId, TokenDist, Workload};
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::{index, sample_tokens};

use crate::recording::Recorded;
use crate::zipf::Zipf;

/// What one request asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryPlan {
    /// The request.
    pub request: RequestId,
    /// Number of the query among the workload's distinct queries.
    pub query: u32,
    /// Topic of the query; the same for every request with this query.
    pub topic: u32,
    /// Number of the user who asks.
    pub user: u32,
    /// Contexts to return.
    pub top_k: u32,
    /// Tokens of the question and the instructions around it.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
    /// Tokens of the whole prompt, contexts included, where a recording says so.
    pub total_prompt_tokens: Option<u32>,
}

/// Plans requests. A plan depends on the request's number alone, never on the plans before it.
#[derive(Clone, Debug)]
pub struct QuerySource {
    topic_draws: Stream,
    query_draws: Stream,
    user_draws: Stream,
    prompt_draws: Stream,
    output_draws: Stream,
    topics: Zipf,
    topic_count: u32,
    query_count: u32,
    user_count: u32,
    top_k: u32,
    prompt_tokens: TokenDist,
    output_tokens: TokenDist,
}

impl QuerySource {
    /// A source of the workload's queries over `topics` topics, topic 0 being the most popular.
    /// With fewer queries than topics, the topics without a query are never asked for.
    ///
    /// Panics where there are no topics, queries or users, or the skew is below 0.
    pub fn new(stream: Stream, workload: &Workload, topics: u32) -> Self {
        assert!(
            topics >= 1 && workload.queries >= 1 && workload.users >= 1,
            "{topics} topics, {} queries, {} users",
            workload.queries,
            workload.users
        );
        let topic_count = topics.min(workload.queries);
        QuerySource {
            topic_draws: stream.child("topic"),
            query_draws: stream.child("query"),
            user_draws: stream.child("user"),
            prompt_draws: stream.child("prompt tokens"),
            output_draws: stream.child("output tokens"),
            topics: Zipf::new(topic_count, workload.topic_skew),
            topic_count,
            query_count: workload.queries,
            user_count: workload.users,
            top_k: workload.top_k,
            prompt_tokens: workload.prompt_tokens,
            output_tokens: workload.output_tokens,
        }
    }

    /// Plans a request. What a recording says of it replaces the drawn token counts.
    pub fn plan(&self, request: RequestId, recorded: Option<&Recorded>) -> QueryPlan {
        let topic = self.topics.sample(&mut self.topic_draws.at(request.0));
        let of_topic = self.queries_of(topic) as usize;
        let within_topic = index(of_topic, &mut self.query_draws.at(request.0)) as u32;
        let user = index(self.user_count as usize, &mut self.user_draws.at(request.0)) as u32;
        let output_tokens = match recorded {
            Some(recorded) => recorded.output_tokens,
            None => sample_tokens(&self.output_tokens, &mut self.output_draws.at(request.0)),
        };
        QueryPlan {
            request,
            query: topic + within_topic * self.topic_count,
            topic,
            user,
            top_k: self.top_k,
            prompt_tokens: sample_tokens(&self.prompt_tokens, &mut self.prompt_draws.at(request.0)),
            output_tokens,
            total_prompt_tokens: recorded.map(|recorded| recorded.prompt_tokens),
        }
    }

    /// Topic of a query: queries are dealt out to the topics in turn.
    pub fn topic_of(&self, query: u32) -> u32 {
        query % self.topic_count
    }

    /// Number of distinct queries.
    pub fn queries(&self) -> u32 {
        self.query_count
    }

    /// Number of distinct users.
    pub fn users(&self) -> u32 {
        self.user_count
    }

    /// How many queries have this topic.
    fn queries_of(&self, topic: u32) -> u32 {
        (self.query_count - topic).div_ceil(self.topic_count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ragdoll_runtime::Streams;

    fn source(workload: &Workload, topics: u32) -> QuerySource {
        QuerySource::new(Streams::new(5).stream("queries"), workload, topics)
    }

    fn plans(source: &QuerySource, count: u64) -> impl Iterator<Item = QueryPlan> {
        (0..count).map(|request| source.plan(RequestId(request), None))
    }

    #[test]
    fn a_query_always_has_the_same_topic_and_every_query_is_asked() {
        let workload = Workload {
            queries: 103,
            users: 7,
            ..Workload::default()
        };
        let source = source(&workload, 10);
        let mut asked = vec![0u32; 103];
        let mut by_user = [0u32; 7];
        for plan in plans(&source, 40_000) {
            assert_eq!(plan.topic, source.topic_of(plan.query), "{plan:?}");
            asked[plan.query as usize] += 1;
            by_user[plan.user as usize] += 1;
        }
        assert!(asked.iter().all(|&count| count > 0), "{asked:?}");
        // 5,714 expected for each user, with a standard deviation of 70.
        assert!(
            by_user.iter().all(|count| count.abs_diff(5_714) < 300),
            "{by_user:?}"
        );
    }

    #[test]
    fn topics_are_asked_for_by_zipfs_law_and_queries_within_one_alike() {
        let workload = Workload {
            queries: 40,
            topic_skew: 1.0,
            ..Workload::default()
        };
        let source = source(&workload, 4);
        let mut asked = [0f64; 40];
        let requests = 100_000;
        for plan in plans(&source, requests) {
            asked[plan.query as usize] += 1.0 / requests as f64;
        }
        // The harmonic number of 4 is 25/12.
        for (query, found) in asked.into_iter().enumerate() {
            let expected = 12.0 / 25.0 / (query % 4 + 1) as f64 / 10.0;
            assert!(
                (found / expected - 1.0).abs() < 0.1,
                "query {query}: found {found}, expected {expected}"
            );
        }
    }

    #[test]
    fn topics_beyond_the_number_of_queries_are_left_out() {
        let workload = Workload {
            queries: 3,
            ..Workload::default()
        };
        let source = source(&workload, 10);
        assert!(plans(&source, 1_000).all(|plan| plan.query < 3 && plan.topic == plan.query));
    }

    #[test]
    fn a_recording_replaces_token_counts_and_leaves_every_other_draw_alone() {
        let source = source(&Workload::default(), 16);
        let recorded = Recorded {
            at_us: 0,
            prompt_tokens: 4_808,
            output_tokens: 10,
            prefix_ids: Box::default(),
        };
        for request in (0..50).map(RequestId) {
            let drawn = source.plan(request, None);
            let expected = QueryPlan {
                output_tokens: 10,
                total_prompt_tokens: Some(4_808),
                ..drawn
            };
            assert_eq!(source.plan(request, Some(&recorded)), expected);
        }
    }
}
