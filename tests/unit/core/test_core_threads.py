from threadpoolctl import threadpool_info

from tasks.core.threads import one_thread


def threads_of_blas():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_linear_algebra_has_one_thread_within_the_block_and_as_many_as_before_after_it():
    before = threads_of_blas()

    with one_thread():
        inside = threads_of_blas()

    assert inside == {1}
    assert threads_of_blas() == before
