// Makes VGG-16 on ImageNet 13 times smaller in five iterations (the paper's table 5): see --help.
import { runScript } from './imagenet/main.js'

await runScript('vgg16-imagenet', ['vgg-16', 'vgg-16-bn'])
