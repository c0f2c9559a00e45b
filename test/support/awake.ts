// For mocha's --require: tests read files beside sleeping threads, as the command does.
import { keepPoolAwake } from '../../lib/base/pool.js'

keepPoolAwake()
